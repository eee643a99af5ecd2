#!/bin/sh
# Mosquitto for devices that want MQTT 5. Who may come in is written anew at each start, from the secrets and never on a
# command line. MOSQUITTO_DATA, MOSQUITTO_PORT: where it keeps what waits for the bridge, and its door.
set -eu
umask 077
here=$(dirname "$0")
printf 'device:%s\nbridge:%s\n' "$(cat "$MOSQUITTO_DEVICE_PASSWORD_FILE")" "$(cat "$MOSQUITTO_BRIDGE_PASSWORD_FILE")" \
  > "$MOSQUITTO_DATA/passwords"
mosquitto_passwd -U "$MOSQUITTO_DATA/passwords"
cp "$here/mosquitto.acl" "$MOSQUITTO_DATA/acl"
sed "s|DATA|$MOSQUITTO_DATA|; s|PORT|$MOSQUITTO_PORT|" "$here/mosquitto.conf" > "$MOSQUITTO_DATA/mosquitto.conf"
if [ "$(id -u)" = 0 ]; then chown -R mosquitto "$MOSQUITTO_DATA"; fi   # as whom it goes on
exec mosquitto -c "$MOSQUITTO_DATA/mosquitto.conf"
