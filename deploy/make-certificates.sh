#!/bin/sh
# An authority of your own and what it signs, for a trial or a closed network; devices on the internet are better off with
# a public one. Run again it renews what it is asked for; the authority stays.
#   sh deploy/make-certificates.sh DIR door NAME...            names and addresses by which devices reach the door
#   sh deploy/make-certificates.sh DIR device TENANT.DEVICE.N  a device's own certificate, under its credential's username
# DIR/authority is for you alone, away from the server; DIR/public/ca.pem for whoever must trust the door; DIR/door is the
# door's; DIR/devices/TENANT.DEVICE.N is that device's. DAYS: how long they hold.
set -eu
umask 077
dir=$1 kind=$2
shift 2
mkdir -p "$dir/authority" "$dir/public"
chmod 755 "$dir" "$dir/public"
new_key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1" 2>/dev/null; }
ca_key="$dir/authority/ca.key" ca="$dir/public/ca.pem"
if [ ! -s "$ca_key" ]; then
  new_key "$ca_key"
  openssl req -x509 -new -key "$ca_key" -days 3650 -subj "/CN=Foremend trial authority" -out "$ca"
  chmod 644 "$ca"
fi
case $kind in
  door)
    to="$dir/door" subject="/CN=$1" usage=serverAuth
    names=$(for name in "$@"; do
      case $name in *[!0-9.]*) printf 'DNS:%s,' "$name" ;; *) printf 'IP:%s,' "$name" ;; esac
    done) ;;
  device)   # the common name is for Mosquitto, the client id among the alternative names for NATS
    client=$1
    case $1 in *.*.*) client=${1%.*} && client="${client%%.*}:${client#*.}" ;; esac
    to="$dir/devices/$1" subject="/CN=$(printf '%.64s' "$1")" usage=clientAuth names="URI:foremend:$client," ;;
  *) echo "make-certificates.sh DIR door|device NAME..." >&2; exit 2 ;;
esac
mkdir -p "$to"
fresh=$(mktemp -d "$to/.fresh-XXXXXX")
trap 'rm -rf "$fresh"' EXIT
new_key "$fresh/key.pem"
openssl req -new -key "$fresh/key.pem" -subj "$subject" -out "$fresh/request"
printf 'subjectAltName=%s\nextendedKeyUsage=%s\nbasicConstraints=CA:FALSE\n' "${names%,}" "$usage" > "$fresh/extensions"
openssl x509 -req -in "$fresh/request" -CA "$ca" -CAkey "$ca_key" -set_serial "0x$(openssl rand -hex 16)" \
  -days "${DAYS:-90}" -extfile "$fresh/extensions" -out "$fresh/cert.pem" 2>/dev/null
chmod 644 "$fresh/cert.pem"
mv "$fresh/cert.pem" "$to/cert.pem"   # each file at once; whoever serves them waits until both lie still
mv "$fresh/key.pem" "$to/key.pem"
