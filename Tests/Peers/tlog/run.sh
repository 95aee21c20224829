#!/bin/sh
# Let Go's sumdb judge what rustynet-assure wrote. Usage: run.sh PATH-OF-rustynet-assure
# Needs golang-golang-x-mod-dev; exit code 70 where it is not here.
set -eu
program=$(realpath "$1")
here=$(dirname "$(realpath "$0")")
test -d /usr/share/gocode/src/golang.org/x/mod/sumdb || { echo "not-run: golang-golang-x-mod-dev is not here"; exit 70; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mkdir -p "$work/src/tlog"
cp "$here/main.go" "$work/src/tlog/"
(cd "$work/src/tlog" && GO111MODULE=off GOPATH="$work:/usr/share/gocode" GOPROXY=off GOCACHE="$work/cache" \
  go build -o "$work/peer" .)

(umask 077 && echo "no secret: this key lives as long as the test" >"$work/passphrase")
"$program" key generate --output "$work/key" --passphrase-file "$work/passphrase" >/dev/null
ledger="$work/ledger"
key=$("$program" ledger init "$ledger" --origin peer.example/log --key "$work/key" --passphrase-file "$work/passphrase")
checked=0
for step in 1 2 5 248 1 300 1000; do
  cp "$ledger/checkpoint" "$work/old"
  seq "$step" | sed "s/^/step $step line /" | "$program" ledger append "$ledger" --key "$work/key" --passphrase-file "$work/passphrase" --lines - >/dev/null
  size=$(sed -n 2p "$ledger/checkpoint")
  index=$((size - 1))
  printf 'step %s line %s' "$step" "$step" >"$work/entry"
  "$program" ledger prove "$ledger" --index "$index" --output "$work/proof"
  # Go defines no consistency with an empty tree.
  test "$(sed -n 2p "$work/old")" -gt 0 || continue
  "$program" ledger consistency "$ledger" --from "$work/old" --public-key "$key" >"$work/consistency"
  "$work/peer" "$key" "$work/old" "$ledger/checkpoint" "$work/consistency" "$work/proof" "$work/entry"
  checked=$((checked + 1))
done

# Negative controls: the same call, with one thing changed each time, must fail.
refuse() {
  name=$1
  shift
  if "$work/peer" "$@" 2>/dev/null; then echo "FAILED: the peer accepted a changed $name"; exit 1; fi
}
printf x | cat "$work/entry" - >"$work/entry.bad"
sed '2s/.*/index 0/' "$work/proof" >"$work/proof.bad"
sed '2s/.*/1/' "$ledger/checkpoint" >"$work/checkpoint.bad"
sed '1d' "$work/consistency" >"$work/consistency.bad"
refuse entry "$key" "$work/old" "$ledger/checkpoint" "$work/consistency" "$work/proof" "$work/entry.bad"
refuse proof "$key" "$work/old" "$ledger/checkpoint" "$work/consistency" "$work/proof.bad" "$work/entry"
refuse checkpoint "$key" "$work/old" "$work/checkpoint.bad" "$work/consistency" "$work/proof" "$work/entry"
refuse consistency "$key" "$work/old" "$ledger/checkpoint" "$work/consistency.bad" "$work/proof" "$work/entry"
echo "verified=$checked refused=4"
