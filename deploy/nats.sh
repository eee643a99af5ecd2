#!/bin/sh
# NATS for the house. PUBACK waits for the log only where the log and the listener's own stream were made as we want them
# before the listener opened: at the first start NATS runs without its MQTT door until `foremend migrate` has made it. With
# the log, it writes down whose signature opens the door (nats-door.conf).
# Arguments go to nats-server. NATS_STORE, NATS_MAX_FILE, NATS_MQTT_PORT: see nats.conf; the secrets are files. NATS_LOG: the
# server's own log, in a folder that group NATS_LOG_GROUP may read.
# NATS_CERTIFICATE: a folder with cert.pem and key.pem encrypts the door, client-ca.pem beside them makes it ask devices for
# certificates; renewed files are taken up without a restart.
# NATS_ROLE: `core` or `front` where there are several servers; NATS_NAME is then its own. A core has no door.
# NATS_CORES: the cores, as host:port of their clusters for a core, of their leaf connections for a front.
set -eu
here=$(dirname "$0")
url=$(cat "$NATS_URL_FILE")          # nats://house:PASSWORD@host:port, the same file that the house's processes read
login=${url#*://}
login=${login%@*}
# In quotes, so that a password of digits is not read as a number.
export NATS_HOUSE_PASSWORD="\"${login#*:}\""
export NATS_NAME="${NATS_NAME:-foremend}"
export NATS_CONNECTIONS="door.$NATS_NAME.connections" NATS_KICK="door.$NATS_NAME.kick.*"
export NATS_DOMAIN='""'
export NATS_HOST="${NATS_HOST:-0.0.0.0}"
conf=nats
if [ -n "${NATS_ROLE:-}" ]; then
  password=$(cat "$NATS_CORE_PASSWORD_FILE")
  export NATS_CORE_PASSWORD="\"$password\""
  list() { for at in $NATS_CORES; do printf '"%s://%s:%s@%s",' "$1" "$2" "$password" "$at"; done; }
  case $NATS_ROLE in
    core)
      export NATS_DOMAIN=core NATS_ROUTES="[$(list nats-route core)]"
      exec nats-server -c "$here/nats-core.conf" "$@" ;;
    front)
      conf=nats-front
      export NATS_DOMAIN="$NATS_NAME" NATS_LEAFS="[$(list nats-leaf front)]" ;;
  esac
fi
issuer() {
  sed -n 's/.*"foremend_issuer":"\([A-Z2-7]\{56\}\)".*/\1/p' "$NATS_STORE/jetstream/HOUSE/streams/LOG/meta.inf" 2>/dev/null || :
}
if [ -z "$(issuer)" ]; then
  nats-server -c "$here/$conf.conf" "$@" &
  first=$!
  end_first() { kill "$first" 2>/dev/null || :; wait "$first" || :; }
  trap 'end_first; exit 0' TERM INT
  until [ -n "$(issuer)" ]; do
    if ! kill -0 "$first" 2>/dev/null; then
      echo "nats.sh: NATS has ended before there was a log; whoever looks after us starts it again" >&2
      exit 1
    fi
    sleep 0.2
  done
  sleep 1                            # whoever made the log hears that it did
  end_first
  trap - TERM INT
fi
export NATS_ISSUER="$(issuer)" NATS_LOG
mkdir -p "$(dirname "$NATS_LOG")"
if [ "$(id -u)" = 0 ]; then          # a new file of a folder with this bit has the folder's group
  chgrp "${NATS_LOG_GROUP:-0}" "$(dirname "$NATS_LOG")"
  chmod 2750 "$(dirname "$NATS_LOG")"
fi
certificate=${NATS_CERTIFICATE:-/nowhere}
if [ -s "$certificate/cert.pem" ]; then
  . "$here/certificates.sh"
  umask 077
  copy="$NATS_STORE/certificate" configured="$NATS_STORE/configured"
  take "$certificate" "$copy"
  mkdir -p "$configured"
  cp "$here"/nats*.conf "$configured"
  # Before a reload, who is in becomes a user (api/engines/nats_sessions.py says why), and somebody must answer for the door.
  ask() { wget -q -O - "http://${NATS_MONITOR:-127.0.0.1:8222}/$1"; }
  answers_here() { ask 'subsz?acc=HOUSE&subs=1&test=$SYS.REQ.USER.AUTH' | grep -q '"subject"'; }
  answers_behind_a_core() { ask 'leafz?subs=1' | grep -qF '"$SYS.REQ.USER.AUTH"'; }   # the house of a front
  keep() {
    answers_here || answers_behind_a_core || return 1
    unknown=$(od -An -N24 -tx1 /dev/urandom | tr -d ' \n')
    sed 's/]$//' "$here/nats-users.conf" > "$configured/fresh"
    ask 'connz?auth=1&limit=1000000' | sed -n 's/.*"authorized_user": "\([A-Za-z0-9_-]*[.][A-Za-z0-9_-]*[.][0-9]*\)".*/\1/p' |
      sort -u | sed "s/.*/{user: \"&\", password: \"$unknown\", allowed_connection_types: [MQTT]}/" >> "$configured/fresh"
    echo ']' >> "$configured/fresh"
    mv "$configured/fresh" "$configured/nats-users.conf"
  }
  asks=''
  if [ -s "$copy/client-ca.pem" ]; then asks=", ca_file: \"$copy/client-ca.pem\", verify: true"; fi
  export NATS_MQTT_TLS="{cert_file: \"$copy/cert.pem\", key_file: \"$copy/key.pem\"$asks}"
  renew $$ "$certificate" "$copy" keep true &
  umask 022
  exec nats-server -c "$configured/$conf-mqtt-tls.conf" "$@"
fi
exec nats-server -c "$here/$conf-mqtt.conf" "$@"
