#!/usr/bin/env bash
# Two devices of one user and a server of their own, in a temporary folder: what each of
# them writes, and what sync makes of it. Needs promptvault[server] on the PATH, nothing
# else, and touches nothing of yours. Exits 0 if both devices hold the same in the end.
set -euo pipefail

. "$(dirname "$0")/story.sh"

user=ada@example.org
notes=1200 # more than two requests hold

main() {
    chapter "A server, and two devices that are signed in"
    start_server
    add_user
    sign_in laptop
    sign_in desk

    chapter "A prompt comes to the other device"
    write laptop release $'Read the diff.\nName what breaks.\nWrite the notes.'
    run laptop sync
    run desk sync

    clean_merge
    conflict
    deletion_against_edit
    server_killed
    server_restored

    chapter "The end"
    compare
}

clean_merge() {
    chapter "Both change the prompt, in different lines: it is merged"
    write laptop release $'Read the whole diff.\nName what breaks.\nWrite the notes.'
    write desk release $'Read the diff.\nName what breaks.\nWrite the notes, in Spanish.'
    run laptop sync
    run desk sync
    run laptop sync
    run laptop get release
    same_on_both get release
}

conflict() {
    chapter "Both change the same line: both wordings are kept until you choose"
    write laptop release $'Read the whole diff twice.\nName what breaks.'
    write desk release $'Skim the whole diff.\nName what breaks.'
    run laptop sync
    run desk sync
    run desk conflicts list
    run desk conflicts show release
    run desk conflicts resolve release --ours
    run desk sync
    run laptop sync
    run laptop conflicts list
    same_on_both get release
}

deletion_against_edit() {
    chapter "One deletes what the other edits: the edit lives"
    write laptop standup "What did I do yesterday?"
    sync_both
    run laptop delete standup
    write desk standup "What did I do yesterday, and what is next?"
    run laptop sync
    run desk sync
    run laptop sync
    run laptop get standup
    same_on_both get standup
}

server_killed() {
    chapter "The server is killed in the middle of a sync: nothing is lost"
    local folder=1
    until interrupted_sync "$folder"; do # unless the sync was faster than the kill
        start_server
        folder=$((folder + 1))
    done
    start_server
    run desk sync
    run laptop sync
    [ "$(on desk list notes/part-1 --plain | wc -l)" -eq "$notes" ] || fail "notes are missing"
    [ "$(held_by_server)" -eq "$(on desk list --plain | wc -l)" ] || fail "the server holds others"
    say "All $notes notes are on both devices and on the server, once."
}

interrupted_sync() { # FOLDER: push its notes, and kill the server halfway
    local before sync_pid
    write_notes "$1"
    run desk import "$work/notes" --folder notes
    before=$(answered)
    on desk sync &>"$work/interrupted" &
    sync_pid=$!
    while [ "$(answered)" -lt $((before + 1)) ] && kill -0 "$sync_pid" 2>/dev/null; do
        sleep 0.02
    done
    end_server -9
    say "The server is killed (-9)."
    if wait "$sync_pid"; then return 1; fi
    indent <"$work/interrupted"
}

server_restored() {
    chapter "The server is restored from yesterday's backup: the devices refill it"
    stop_server
    cp -a "$work/server" "$work/yesterday"
    start_server
    write laptop today "Written after the backup."
    write laptop release $'Read the whole diff, and the tests.\nName what breaks.'
    run laptop label release shipped
    run laptop delete notes/part-1/note-0001
    sync_both
    stop_server
    rm -rf "$work/server"
    mv "$work/yesterday" "$work/server"
    run server server restored --yes
    start_server
    sync_both
    run laptop sync
    [ "$(held_by_server)" -eq "$(on laptop list --plain | wc -l)" ] || fail "the server lacks prompts"
    same_on_both get today
    same_on_both get release@shipped
    say "What was written after the backup is on the server again."
}

# The server

add_user() {
    run server server user add "$user" --tier pro
    on server server token "$user" >"$work/token"
}

answered() { # requests that were answered, one a line of the log
    grep -c '"method": "POST"' "$work/serve.log" || true
}

held_by_server() { # prompts, as the operator sees it
    on server server user list --json | sed -n 's/.*"prompts": \([0-9]*\).*/\1/p'
}

# The devices

write_notes() { # FOLDER
    local number
    mkdir -p "$work/notes/part-$1"
    for number in $(seq -f %04g "$notes"); do
        printf 'Note %s of part %s.\n' "$number" "$1" >"$work/notes/part-$1/note-$number.md"
    done
}

sync_both() {
    run laptop sync
    run desk sync
}

same_on_both() { # COMMAND...
    [ "$(on laptop "$@")" = "$(on desk "$@")" ] || fail "the devices differ in '$*'"
}

compare() { # everything but what is each device's own: how often, and its git
    local name count versions
    for device in laptop desk; do
        facts "$device" >"$work/$device.facts"
        on "$device" doctor >"$work/doctor" 2>&1 || fail "$device is damaged" "$work/doctor"
    done
    diff "$work/laptop.facts" "$work/desk.facts" >"$work/differences" ||
        fail "the devices differ" "$work/differences"
    count=$(on laptop list --plain | wc -l)
    versions=$(on laptop log release --json | grep -c '"version"')
    say "Both devices hold the same: $((count)) prompts, 'release' in $versions versions."
}

facts() { # DEVICE: the list, every text with its history, and the logs of this story
    {
        on "$1" list --json
        on "$1" export - --format json
        for name in release standup today; do
            on "$1" log "$name" --json
        done
    } | sed -E 's/"used_at": [^,]*, "uses": [0-9]*, //g; s/"commit": [^,]*, //g'
}

main
