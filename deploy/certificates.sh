# Read by nats.sh and mosquitto.sh: a broker serves copies of the door's certificate and takes up renewed ones.

# take FROM TO: what there is, each file at once.
take() {
  mkdir -p "$2"
  for file in cert.pem key.pem client-ca.pem; do
    if [ -s "$1/$file" ]; then cp "$1/$file" "$2/.$file" && mv "$2/.$file" "$2/$file"; fi
  done
}

stamp() { cat "$1/cert.pem" "$1/key.pem" "$1/client-ca.pem" 2>/dev/null | cksum; }

# renew PID FROM TO READY THEN: as long as that process lives, files that are others than those served, and lie still since
# the last look, are taken if READY says so; THEN is run, and the process is told: those who are connected stay.
renew() {
  seen=''
  while kill -0 "$1" 2>/dev/null; do
    now=$(stamp "$2")
    if [ "$now" = "$seen" ] && [ "$now" != "$(stamp "$3")" ] && [ -s "$2/cert.pem" ] && [ -s "$2/key.pem" ] && "$4"; then
      take "$2" "$3"
      "$5"
      kill -HUP "$1" 2>/dev/null || return 0
    fi
    seen=$now
    sleep "${CERTIFICATE_LOOK_S:-10}"
  done
}
