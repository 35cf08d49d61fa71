# What the stories in this folder have in common: a server in a temporary folder, devices
# with a home of their own, and what is printed. To be sourced by bash, after `set -e`.

work=$(mktemp -d)
port=0
serve_pid=

# Nothing of whoever runs this plays a part.
for name in $(compgen -e | grep -E '^(PROMPTVAULT_|DATABASE_URL$)' || true); do
    unset "$name"
done
export PYTHON_KEYRING_BACKEND=keyring.backends.fail.Keyring

# The server

start_server() {
    PROMPTVAULT_HOME=$work/server promptvault serve --port "$port" --json \
        >"$work/url" 2>>"$work/serve.log" &
    serve_pid=$!
    until [ -s "$work/url" ]; do
        kill -0 "$serve_pid" 2>/dev/null || fail "the server does not start" "$work/serve.log"
        sleep 0.1
    done
    url=$(sed -n 's/.*"url": "\([^"]*\)".*/\1/p' "$work/url")
    port=${url##*:} # the same from now on, as the devices know it
    : >"$work/url"
    say "A server answers at $url."
}

stop_server() {
    end_server -TERM
    say "The server is stopped."
}

end_server() { # SIGNAL
    kill "$1" "$serve_pid"
    wait "$serve_pid" 2>/dev/null || true
    serve_pid=
}

# The devices

on() { # DEVICE COMMAND...
    GIT_AUTHOR_NAME=$1 GIT_AUTHOR_EMAIL=$1@example.org \
        PROMPTVAULT_HOME=$work/$1 promptvault "${@:2}"
}

sign_in() { # DEVICE, with the token in a file
    on "$1" login --server "$url" --token - <"$work/token" 2>&1 | head -1 | indent
}

write() { # DEVICE NAME TEXT
    say "$1 writes '$2'."
    printf '%s\n' "$3" | on "$1" add "$2" - --upsert 2>&1 | indent
}

# What is printed

chapter() { printf '\n== %s\n' "$1"; }
say() { printf '%s\n' "$1"; }
indent() { sed 's/^/    /'; }

run() { # DEVICE COMMAND...
    say "$1$ promptvault ${*:2}"
    on "$@" 2>&1 | indent || fail "'promptvault ${*:2}' fails for $1"
}

refused() { # EXIT-CODE PERSON COMMAND...
    local code=0
    say "$2$ promptvault ${*:3}"
    on "${@:2}" >"$work/said" 2>&1 || code=$?
    indent <"$work/said"
    [ "$code" -eq "$1" ] || fail "'promptvault ${*:3}' ends with $code, not $1, for $2"
}

fail() { # WHAT [FILE]
    printf '\nFAILED: %s\n' "$1"
    [ -z "${2-}" ] || tail -20 "$2" | cut -c -200
    exit 1
}

clean_up() {
    [ -z "$serve_pid" ] || end_server -TERM
    rm -rf "$work"
}
trap clean_up EXIT
