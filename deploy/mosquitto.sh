#!/bin/sh
# Mosquitto for devices that want MQTT 5. It begins with the house's own two users, from the secrets and never on a command
# line, and is told of devices by the relay (docs/decisions/0034); with another password of theirs it begins anew.
# MOSQUITTO_DEVICES: where `foremend mosquitto-devices` has left with which devices it begins.
# MOSQUITTO_DATA: where it keeps what waits for the bridge; MOSQUITTO_PORT: the devices' door, MOSQUITTO_HOUSE_PORT: that of
# bridge and relay.
# MOSQUITTO_CERTIFICATE: a folder with cert.pem and key.pem encrypts the devices' door, client-ca.pem beside them makes it
# ask for certificates, which then say who somebody is; renewed files are taken up without a restart.
set -eu
umask 077
here=$(dirname "$0")
data=$MOSQUITTO_DATA
secrets=$(cat "$MOSQUITTO_REGISTRAR_PASSWORD_FILE" "$MOSQUITTO_BRIDGE_PASSWORD_FILE" "$here/mosquitto-users.json" | sha256sum)
if [ ! -s "$data/dynamic-security.json" ] || [ "$secrets" != "$(cat "$data/made-from" 2>/dev/null)" ]; then
  printf 'registrar:%s\nbridge:%s\n' \
    "$(cat "$MOSQUITTO_REGISTRAR_PASSWORD_FILE")" "$(cat "$MOSQUITTO_BRIDGE_PASSWORD_FILE")" > "$data/users"
  mosquitto_passwd -U "$data/users"
  # name:$7$iterations$salt$hash
  hashed() { sed -n "s|^$1:[$]7[$]\([0-9]*\)[$]\([^$]*\)[$]\(.*\)|\"iterations\": \1, \"salt\": \"\2\", \"password\": \"\3\"|p" "$data/users"; }
  devices=${MOSQUITTO_DEVICES:-/nowhere}   # there or not: the relay tells what is missing
  sed -e "s|REGISTRAR|$(hashed registrar)|; s|BRIDGE|$(hashed bridge)|" \
    -e "/^CLIENTS$/r $devices/clients" -e "/^ROLES$/r $devices/roles" -e '/^CLIENTS$/d; /^ROLES$/d' \
    "$here/mosquitto-users.json" > "$data/dynamic-security.json"
  rm "$data/users"
  printf '%s' "$secrets" > "$data/made-from"
fi
plugin=$(find /usr/lib /usr/local/lib -name mosquitto_dynamic_security.so 2>/dev/null | head -n 1)
sed "s|DATA|$data|; s|HOUSE_PORT|$MOSQUITTO_HOUSE_PORT|; s|PORT|$MOSQUITTO_PORT|; s|PLUGIN|$plugin|" \
  "$here/mosquitto.conf" > "$data/mosquitto.conf"
own() { if [ "$(id -u)" = 0 ]; then chown -R mosquitto "$data"; fi; }   # as whom it goes on
certificate=${MOSQUITTO_CERTIFICATE:-/nowhere}
if [ -s "$certificate/cert.pem" ]; then
  . "$here/certificates.sh"
  take "$certificate" "$data/certificate"
  printf 'certfile %s/cert.pem\nkeyfile %s/key.pem\ntls_version tlsv1.2\n' "$data/certificate" "$data/certificate" >> "$data/mosquitto.conf"
  if [ -s "$data/certificate/client-ca.pem" ]; then
    # Whose certificate it is, is who he is: his username and his client id, whatever else he says (docs/decisions/0034).
    printf 'cafile %s/client-ca.pem\nrequire_certificate true\nuse_identity_as_username true\nuse_username_as_clientid true\n' \
      "$data/certificate" >> "$data/mosquitto.conf"
  fi
  renew $$ "$certificate" "$data/certificate" true own &
fi
own
exec mosquitto -c "$data/mosquitto.conf"
