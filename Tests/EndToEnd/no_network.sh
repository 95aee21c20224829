#!/usr/bin/env bash
# Verification opens no socket at all: every verb of `verify`, `timestamp verify`, `evidence verify`, `evidence report`
# and `ledger verify` under strace, and, as root, once more in a network namespace without any interface.
#
# Run:  Tests/EndToEnd/no_network.sh ASSURE
#
# Ends with 0, 78 when a socket was opened or a verb failed, 70 (not-run) when strace or the program is missing.
set -euo pipefail
[ $# = 1 ] || { echo "usage: no_network.sh ASSURE" >&2; exit 64; }
assure=$(realpath "$1")
here=$(cd "$(dirname "$0")" && pwd -P)
for tool in strace python3 git swift openssl; do
  command -v "$tool" >/dev/null || { echo "not-run: $tool is missing" >&2; exit 70; }
done
[ -x "$assure" ] || { echo "not-run: there is no program $assure" >&2; exit 70; }
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
strace -f -e trace=network -o probe true 2>/dev/null || { echo "not-run: strace may not trace here" >&2; exit 70; }

calls='socket|connect|sendto|sendmsg|bind|getsockopt|socketpair|accept|recvfrom'
failed=0
passed=0
say() {
  if [ "$1" = passed ]; then passed=$((passed + 1)); else failed=$((failed + 1)); fi
  echo "$1 $2"
}

# The positive control: a program that does open a socket is seen, by the same command and the same pattern.
strace -f -e trace=network -o control python3 -c '
import socket
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", 9)); s.close()'
if grep -qE "($calls)\(" control; then say passed "control: a socket is seen"; else say FAILED "control: a socket is not seen"; fi

python3 "$here/mini_release.py" "$assure" mini >/dev/null 2>made || { cat made >&2; echo "not-run: no release could be made" >&2; exit 70; }
pack=mini/tree/artifacts/release/final/evidence.pack
tar xf "$pack" records/tests.json
"$assure" key public --key mini/keys/builder.json --format note --name example.org/tiny >verifier
"$assure" ledger prove mini/ledger --index 0 --output proof

verify() {
  local name=$1 code=0
  shift
  strace -f -e trace=network -o trace "$@" >out 2>err || code=$?
  if [ "$code" != 0 ]; then
    say FAILED "$name: ended with $code: $(tail -n 1 err)"
  elif grep -qE "($calls)\(" trace; then
    say FAILED "$name: $(grep -E "($calls)\(" trace | head -n 1)"
  else
    say passed "$name: no socket"
  fi
  [ "$(id -u)" = 0 ] && unshare -n true 2>/dev/null || return 0
  code=0
  unshare -n "$@" >out 2>err || code=$?
  if [ "$code" = 0 ]; then say passed "$name: without a network"; else say FAILED "$name: $code without a network"; fi
}

verify "verify attestation" "$assure" verify attestation --envelope records/tests.json --trust mini/trust.json \
  mini/tree/.build/release/tiny
foreign=$here/../Fixtures/foreign-signatures
signers=(--allowed-signers "$foreign/allowed_signers" --identity ed25519@example.org --namespace file)
verify "verify sshsig" "$assure" verify sshsig --signature "$foreign/ed25519-sha512.sshsig" "${signers[@]}" \
  "$foreign/message"
verify "verify minisign" "$assure" verify minisign --signature "$foreign/prehashed.minisig" \
  --public-key "$foreign/minisign.pub" "$foreign/message"
verify "verify openssl" "$assure" verify openssl --signature "$foreign/rsa-pss-sha256.sig" --key "$foreign/rsa.pem" \
  --algorithm rsa-pss-sha256 "$foreign/message"
verify "verify auto" "$assure" verify auto "$foreign/ed25519-sha512.sshsig" "$foreign/message" "${signers[@]}"
python3 "$here/layout_chain.py" chain
verify "verify layout" "$assure" verify layout --layout chain/root.layout --layout-key chain/owner.pub --links chain \
  --artifact-dir chain/product
# The set-up of the transcripts makes a provenance, a summary and a policy about one file.
(
  mkdir supply && cd supply
  export ASSURE=$assure ROOT=$here/../.. PYTHON=python3
  set_up() {
    local line command=
    while IFS= read -r line; do
      case $line in
        "include: "*) set_up "$here/../Transcripts/${line#include: }" ;;
        '$ '*) command=${line#??} ;;
        *) command=${command:+$command$'\n'$line} ;;
      esac
      if [ -n "$command" ] && [ "${command%\\}" = "$command" ]; then
        eval "$command" || return 1
        command=
      fi
    done <"$1"
  }
  set_up "$here/../Transcripts/setup/supply.txt"
) >made 2>&1 || { cat made >&2; say FAILED "the set-up of provenance, summary and policy"; }
verify "verify provenance" "$assure" verify provenance --envelope supply/provenance.p256.json --key supply/p256.pem \
  --builder-id https://ci.example/builder --source-uri github.com/o/r --source-tag v1.2.3 supply/file
verify "verify vsa" "$assure" verify vsa --envelope supply/summary.p256.json --key supply/p256.pem \
  --verifier-id https://verifier.example/v1 --resource-uri https://example.org/tool --level SLSA_BUILD_LEVEL_2 supply/file
verify "verify policy" "$assure" verify policy --policy supply/policy.json --unsigned-policy --trust supply/trust.json \
  --attestations supply/provenance.dsse.json --attestations supply/summary.dsse.json supply/file
"$here/../Fixtures/timestamps.sh" tsa >tsa.log 2>&1 || { echo "not-run: no timestamp could be made" >&2; exit 70; }
verify "timestamp verify" "$assure" timestamp verify --response tsa/good.tst --authority tsa/tsa.pem tsa/message
verify "evidence verify" "$assure" evidence verify "$pack" --trust mini/trust.json --state seen \
  mini/tree/.build/release/tiny
verify "evidence report" "$assure" evidence report "$pack" --trust mini/trust.json --output page.html
verify "ledger verify" "$assure" ledger verify mini/ledger --public-key verifier
# Bundles and attestations of registries come from the corpora of third parties, where they are.
corpora=${RUSTYNET_CORPORA:-$here/../../../shared/corpora}
issuer=(--certificate-oidc-issuer https://token.actions.githubusercontent.com --certificate-identity)
if [ -d "$corpora/sigstore-bundles" ] && [ -d "$corpora/npm-attestations" ] && [ -d "$corpora/pep740-attestations" ]; then
  beacon=https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon/.github/workflows
  beacon=$beacon/extremely-dangerous-oidc-beacon.yml@refs/heads/main
  generator=https://github.com/slsa-framework/slsa-github-generator/.github/workflows
  pypi=https://github.com/trailofbits/pypi-attestations/.github/workflows/release.yml@refs/tags/v0.0.19
  bundle=$corpora/sigstore-bundles/happy-path-v0.3/bundle.sigstore.json
  mkdir many
  cp "$bundle" many/a.txt.sigstore.json
  cp "$corpora/sigstore-bundles/a.txt" many/
  verify "verify bundle" "$assure" verify bundle --bundle "$bundle" "${issuer[@]}" "$beacon" \
    "$corpora/sigstore-bundles/a.txt"
  verify "verify bundles" "$assure" verify bundles many "${issuer[@]}" "$beacon"
  verify "verify npm" "$assure" verify npm --attestations "$corpora/npm-attestations/provenance-npm-test-ossf.tgz.json" \
    "${issuer[@]}" "$generator/delegator_lowperms-generic_slsa3.yml@refs/tags/v1.6.0" \
    "$corpora/npm-attestations/provenance-npm-test-ossf.tgz"
  file=$corpora/pep740-attestations/pypi_attestations-0.0.19.tar.gz
  verify "verify pep740" "$assure" verify pep740 --attestation "$file.publish.attestation" "${issuer[@]}" "$pypi" "$file"
else
  echo "not-run verify bundle, bundles, npm, pep740: the third-party corpora are not here"
fi
verify "trust inspect" "$assure" trust inspect mini/trust.json

# A verb that nobody put here is a gap: the list is that of the program's own help.
for verb in $("$assure" verify --help | sed -n '/^SUBCOMMANDS/,/^$/s/^  \([a-z][a-z0-9-]*\) .*/\1/p'); do
  grep -q "^ *verify \"verify $verb\"" "$here/no_network.sh" || say FAILED "verify $verb: not in this test"
done

echo "no network: $passed passed, $failed failed"
[ "$failed" = 0 ] || exit 78
