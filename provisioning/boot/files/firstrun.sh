#!/bin/sh
# Started once by the kernel's command line, before there is a network: lays down what the first
# proper start needs, and lets the machine start anew. `./wardline image` wrote it.
set -u
boot=${WARDLINE_CARD:-/boot/firmware}
root=${WARDLINE_ROOT:-}
# First of all: whatever fails below, the next start is an ordinary one.
sed -i 's| systemd\.run=[^ ]*||; s| systemd\.run_success_action=[^ ]*||; s| systemd\.unit=kernel-command-line\.target||' "$boot/cmdline.txt"
set -e
install -m 0755 "$boot/wardline/first-boot.sh" "$root/usr/local/sbin/wardline-first-boot"
install -m 0644 "$boot/wardline/wardline-first-boot.service" "$root/etc/systemd/system/"
ln -sf /etc/systemd/system/wardline-first-boot.service "$root/etc/systemd/system/multi-user.target.wants/"
if [ -f "$boot/wardline/network" ]; then
    install -m 0600 "$boot/wardline/network" "$root/etc/NetworkManager/system-connections/wardline.nmconnection"
fi
if [ -f "$boot/wardline/wifi-country" ]; then
    raspi-config nonint do_wifi_country "$(cat "$boot/wardline/wifi-country")" || true
fi
if [ -f "$boot/wardline/ssh-key" ]; then
    /usr/lib/raspberrypi-sys-mods/imager_custom enable_ssh -k "$(cat "$boot/wardline/ssh-key")" || true
    /usr/lib/userconf-pi/userconf engineer '*' || true
else
    # Nobody is asked for a user's name at a screen that is not there.
    systemctl disable userconfig || true
fi
rm -f "$boot/firstrun.sh"
exit 0
