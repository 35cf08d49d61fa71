#!/usr/bin/env bash
# A team of four and a server of their own, in a temporary folder: they write prompts in
# one vault, protect a label, part with a member, outgrow the tier, and show a prompt to
# a stranger. Needs promptvault[server] and curl on the PATH, nothing else, and touches
# nothing of yours. Exits 0 if everybody may do what the team says, and nothing else.
set -euo pipefail

. "$(dirname "$0")/story.sh"

prompt=acme:coding/review

main() {
    people_and_a_server
    invite_and_join
    push
    protect_and_refuse
    promote
    remove
    freeze_and_thaw
    share_and_revoke
    chapter "The end"
    say "Everybody could do what the team allows, and nothing else."
}

people_and_a_server() {
    chapter "A server, and four people with a device each"
    start_server
    run server server user add ada@example.org --tier pro # a team is on its owner's tier
    for name in ada bob cy dan; do
        [ "$name" = ada ] || run server server user add "$name@example.org"
        # --manage: this device may manage teams.
        on server server token "$name@example.org" --manage >"$work/token"
        sign_in "$name"
    done
}

invite_and_join() {
    local link
    chapter "Ada makes a team, and invites three people with a link"
    run ada team create "Acme Design" --slug acme
    say 'ada$ promptvault team invite --link --uses 3 --days 7'
    link=$(on ada team invite --link --uses 3 --days 7)
    indent <<<"$link"
    for name in bob cy dan; do
        run "$name" team join "$link"
    done
    refused 3 dan team join "${link}x"
    run ada team members
}

push() {
    chapter "What one writes, all have"
    write ada "$prompt" $'Review this diff.\nName what breaks.'
    run ada label "$prompt@1" approved
    run ada sync
    run bob sync
    write bob "$prompt" $'Review this diff, line by line.\nName what breaks.'
    write bob diary "Nobody else reads this."
    run bob sync
    run ada sync
    run ada log "$prompt"
    same ada bob get "$prompt"
    [ -z "$(on ada search 'nobody else' --all-vaults)" ] || fail "Ada has Bob's diary"
    say "Ada has Bob's version, and nothing of his own vault."
}

protect_and_refuse() {
    chapter "Ada protects the label 'approved': only admins move it"
    run ada team protect approved
    run bob sync
    refused 4 bob label "$prompt@2" approved
    refused 4 bob team unprotect approved
}

promote() {
    chapter "Bob becomes an admin, and moves it"
    run ada team role bob@example.org admin
    run bob sync
    run bob label "$prompt@2" approved
    run bob sync
    run cy sync
    same bob cy get "$prompt@approved"
    say "Cy has the version that Bob approved."
}

remove() {
    chapter "Dan is removed: his copy stays, and gets nothing more"
    run dan sync
    run ada team remove dan@example.org --yes
    write ada acme:coding/plan "Written after Dan has left."
    run ada sync
    run dan sync
    run dan vaults list
    refused 3 dan get acme:coding/plan
    refused 4 dan set "$prompt" --title "Mine"
    same dan bob get "$prompt"
    say "Dan reads what he had, and cannot change it."
}

freeze_and_thaw() {
    chapter "The tier allows fewer people than there are: the team is frozen"
    run server server tier ada@example.org free
    write cy "$prompt" $'Review this diff, line by line.\nName what breaks, and why.'
    refused 9 cy sync
    run ada sync
    same ada bob get "$prompt"
    say "Cy's version waits on the device."
    run server server tier ada@example.org pro
    run cy sync
    run ada sync
    same ada cy get "$prompt"
    say "It was sent as soon as the tier had room."
}

share_and_revoke() {
    local link
    chapter "Bob shows the approved version to a stranger, for a week"
    say "bob\$ promptvault share $prompt@approved --expires 7d"
    link=$(on bob share "$prompt@approved" --expires 7d)
    indent <<<"$link"
    say "stranger\$ curl $link/raw"
    curl -fsS "$link/raw" >"$work/opened" || fail "the link does not open"
    indent <"$work/opened"
    run stranger get "$link"
    [ "$(<"$work/opened")" = "$(on bob get "$prompt@approved")" ] || fail "it shows another text"

    chapter "Ada, the owner, ends it"
    run ada shares revoke coding/review
    refused 3 stranger get "$link"
    [ "$(curl -s -o "$work/opened" -w '%{http_code}' "$link/raw")" = 410 ] || fail "it is still served"
    ! grep -q diff "$work/opened" || fail "it still shows the text"
}

same() { # ONE OTHER COMMAND...
    [ "$(on "$1" "${@:3}")" = "$(on "$2" "${@:3}")" ] || fail "$1 and $2 differ in '${*:3}'"
}

main
