#!/bin/sh
# Makes the passwords of a new house in ./secrets, each in a file of its own; one that is there is left alone.
# The folder is for you alone; the files are readable, because containers read them as other users.
set -eu
umask 022
mkdir -p secrets certificates/door certificates/public
chmod 700 secrets
fresh() { od -An -N24 -tx1 /dev/urandom | tr -d ' \n'; }
for name in postgres api worker relay bridge registrar credential_key nats_issuer nats_core; do
  [ -s "secrets/$name" ] || fresh > "secrets/$name"
done
[ -s secrets/nats_urls ] || printf 'nats://house:%s@nats-1:4222,nats-2:4222,nats-3:4222' "$(fresh)" > secrets/nats_urls
[ -s secrets/nats_url ] || printf 'nats://house:%s@nats:4222' "$(fresh)" > secrets/nats_url
