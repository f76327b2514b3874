#!/bin/sh
# Makes this Raspberry Pi a box of a ward, once; `./wardline image` wrote it. What it does it may do
# again: it is started anew until it is through. Its log lies beside it, to be read from the card.
set -eu
card=${WARDLINE_CARD:-/boot/firmware}/wardline
log=$card/first-boot.log

say() {
    echo "$(date -u +%Y-%m-%dT%H:%M:%SZ) $*" >>"$log"
    echo "wardline: $*"
}

ended() {
    [ "$1" -eq 0 ] || say "stopped; it is tried again in 30 s. The line above says why"
    sync
}
trap 'ended $?' EXIT

say "begins"
cd "$card"
# A claim is missing once the box has it.
if ! broken=$(sha256sum --check --quiet --ignore-missing SHA256SUMS 2>&1); then
    say "the card does not hold what was written to it: $broken"
    exit 1
fi

[ ! -f hostname ] || hostnamectl set-hostname "$(cat hostname)"
[ ! -f time-server ] || {
    install -d /etc/systemd/timesyncd.conf.d
    printf '[Time]\nNTP=%s\n' "$(cat time-server)" >/etc/systemd/timesyncd.conf.d/wardline.conf
    systemctl restart systemd-timesyncd
}

# The packages that are on the card come first; what is missing comes from the network.
echo "deb [trusted=yes] copy:$card/packages ./" >/etc/apt/sources.list.d/wardline.list
apt="apt-get -q -y --no-install-recommends -o Acquire::Retries=3"
if [ -f offline ]; then
    apt="$apt -o Dir::Etc::sourcelist=/etc/apt/sources.list.d/wardline.list -o Dir::Etc::sourceparts=-"
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086 # words on purpose
$apt update >>"$log" 2>&1 || say "not every list of packages could be fetched; the next line tells"
# shellcheck disable=SC2086,SC2046
$apt install $(cat install) >>"$log" 2>&1
rm -f /etc/apt/sources.list.d/wardline.list
say "the packages are installed"

# Debian's own broker would listen on this machine, too.
[ ! -f broker-claim ] || systemctl disable --quiet --now mosquitto.service || true
for claim in broker-claim claim; do
    [ -f "$claim" ] || continue
    install -m 0600 "$claim" "/etc/wardline/$claim"
    sync
    # It works once, and whoever finds the card should not be first.
    rm -f "$claim"
done
[ ! -f /etc/wardline/broker-claim ] || systemctl start --no-block wardline-enrol-broker.service
systemctl start --no-block wardline-enrol.service
systemctl disable --quiet wardline-first-boot.service
say "done; the box asks for its place now: journalctl -u wardline-enrol"
