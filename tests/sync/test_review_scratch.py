import sqlite3, json, uuid, time
import pytest, psycopg
from dataclasses import replace
from promptvault.services import saving, redaction
from promptvault.services.linking import linked
from promptvault.services.syncing import Direction
from promptvault.services.manuscript import Fields, read_written
from promptvault.client.client import connect
from promptvault.client.address import parse_address
from promptvault.errors import *
from tests.sync.laptop import Laptop

def db(l): return sqlite3.connect(l.paths.database)
def q(l, sql, *a):
    c = db(l)
    try: return c.execute(sql, a).fetchall()
    finally: c.close()
def relink(l, server=None):
    with connect(parse_address(server or l.server), l.token) as client:
        linked(l.workspace, server or l.server, lambda: str(client.me().vaults[0].id), relink=True)
SECRET = "AKIA" + "IOSFODNN7EXAMPLF"
SEC = "key = ghp_" + "a8Kq2LmZ0x9RtVb4Nc7Ys1Wd3Ef5Gh6JkPzQ"
def bodies(l, name): return [x[2] for x in l.log(name)]

def test_purge_and_trash(one, two):
    one.add("a", "A"); one.add("z", "Z"); one.sync(); two.sync()
    two.delete("a"); two.sync()
    one.delete("a"); saving.empty_trash(one.workspace)
    one.add("new", "N")
    for i in range(3):
        try: print(one.sync())
        except Exception as e: print("ERR", type(e), e)
    print(two.sync(), two.names(), two.names(trashed=True))

def test_restored_and_edited_new_device(one, two, new_laptop):
    one.add("a", "v1"); one.sync()
    one.delete("a"); one.sync()
    two.sync()
    saving.restore(one.workspace, "a"); one.edit("a", "v2"); one.sync()
    two.sync()
    print("ONE", bodies(one, "a"), "TWO", bodies(two, "a"))
    assert one.log("a") == two.log("a")

def test_dup_side_loses_version(one, two):
    one.add("a", "text"); one.sync(); two.sync()
    one.edit("a", "mine"); one.sync()
    two.edit("a", "yours")
    class Lost(Exception): pass
    n = [0]
    def through(ex):
        def f(req):
            ans = ex(req)
            d = json.loads(req)
            if any(p["kind"] == "side" for p in d["vaults"][0]["push"]): raise Lost
            return ans
        return f
    try: two.sync(through)
    except Lost: print("side's answer lost")
    two.edit("a", "third"); two.edit("a", "fourth")
    print(two.sync()); print(two.sync()); print(one.sync())
    print("ONE", bodies(one, "a"), "TWO", bodies(two, "a"))
    assert one.log("a") == two.log("a")

def test_merge_lets_private_version_out(one, two):
    one.add("a", "1\n2\n3\n"); one.sync(); two.sync()
    one.edit("a", "1\n2\n3\n" + SEC + "\n"); one.edit("a", "1\n2\n3\n"); one.set("a", tags=("x",))
    print(q(one, "select number, secrets from versions"))
    two.edit("a", "1\n2\n3 " + SEC.replace("a8K","b7K") + "\n"); two.set("a", secrets_allowed=True)
    print(two.sync())
    print(one.sync()); two.sync()
    print("TWO", bodies(two, "a"))
    assert not any("a8Kq" in b for b in bodies(two, "a"))

def test_held_and_deleted(one, two):
    one.add("a", "A"); one.sync(); two.sync()
    one.edit("a", SEC); one.sync(); one.delete("a"); print(one.sync()); two.sync()
    print(two.names())
    assert two.names() == []

def test_held_and_relinked(one, two):
    one.add("a", "A"); one.add("b", "B"); one.sync()
    one.edit("a", SEC); print(one.sync())
    relink(one)
    for i in range(3):
        try: print(one.sync())
        except Exception as e: print("ERR", type(e), e)

def test_pull_only_relinked(one, two):
    one.add("a", "A"); one.add("b", "B"); one.sync()
    one.edit("a", "AA"); relink(one)
    for i in range(2):
        try: print(one.sync(direction=Direction(push=False)))
        except Exception as e: print("ERR", type(e), e)
    print(one.sync())

def test_twin(one, two):
    one.add("a", "A"); two.add("a", "A", favourite=True)
    one.sync(); two.sync(); 
    print(two.get("a").favourite, one.get("a").favourite)

def test_origins(one, two):
    one.add("a", "A"); one.sync(); two.sync()
    for l, s in ((one, "chatgpt"), (two, "claude")):
        c = db(l); c.execute("insert into origins (prompt_pk, source, conversation_id) select pk, ?, 'c' from prompts", (s,)); c.commit(); c.close()
    for l in (one, two, one, two): l.sync()
    print([q(l, "select source from origins") for l in (one, two)])
    assert one.everything() == two.everything()

def test_too_large_history(one, two):
    one.add("a", "A"); one.add("b", "small"); one.sync(); two.sync()
    one.edit("a", "x" * 300_000); one.edit("a", "short again"); print(one.sync())
    one.edit("a", "shorter"); print(one.sync()); two.sync(); print(two.body("a"))
    one.delete("a"); print(one.sync()); two.sync(); print(two.names())

def test_poison(one, two, server, token):
    one.add("a", "A"); one.sync(); two.sync()
    poison = {}
    def through(ex):
        def f(req):
            d = json.loads(req)
            for p in d["vaults"][0]["push"]:
                p["versions"][0]["variables"] = {"x": {"type": "hologram"}} if "versions" in p else {}
            return ex(json.dumps(d).encode())
        return f
    one.add("bad", "B"); one.sync(through)
    one.add("good", "G"); one.sync()
    two.add("mine", "M")
    for i in range(2):
        try: print(two.sync())
        except Exception as e: print("ERR", type(e), e)
    print(two.names())
    one.sync(); print(one.names())

def test_relink_names(one, two, new_laptop):
    one.add("a", "of one"); one.sync(); two.add("a", "of two"); two.sync(); one.sync(); two.sync()
    print(one.names(), two.names())
    print(one.body("a"))
