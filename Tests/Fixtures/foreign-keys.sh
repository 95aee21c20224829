#!/bin/sh
# Writes Tests/CryptographyTests/ForeignKeyFixtures.swift: public keys and signatures that OpenSSL made over "message".
# New keys each time; run it from the root of the package only when a fixture is to be added.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
printf message >"$folder/message"
out=Tests/CryptographyTests/ForeignKeyFixtures.swift

# fixture NAME KEY-FILE [SIGNING OPTIONS …]
fixture() {
  name=$1
  key=$2
  shift 2
  openssl pkey -in "$key" -pubout -outform DER -out "$folder/public"
  write "$name" "$@"
}

# write NAME [SIGNING OPTIONS …]: with the public key that lies in $folder/public
write() {
  name=$1
  shift
  signature=
  if [ $# -gt 0 ]; then
    openssl dgst "$@" -sign "$key" -out "$folder/signature" "$folder/message"
    signature=$(base64 -w0 "$folder/signature")
  fi
  printf '  static let %s = ForeignKeyFixture(\n    key: """\n' "$name"
  base64 -w 100 "$folder/public" | sed 's/^/      /; s/$/\\/; $s/\\$//'
  printf '      """,\n    signature: """\n'
  printf %s "$signature" | fold -w 100 | sed 's/^/      /; s/$/\\/; $s/\\$//'
  [ -z "$signature" ] || echo
  printf '      """)\n'
}

openssl ecparam -name prime256v1 -genkey -noout -out "$folder/p256"
openssl ecparam -name prime256v1 -genkey -noout -param_enc explicit -out "$folder/explicit"
openssl ecparam -name secp384r1 -genkey -noout -out "$folder/p384"
openssl ecparam -name secp256k1 -genkey -noout -out "$folder/k256"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$folder/rsa"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out "$folder/rsa1024"
openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_keygen_pubexp:3 -out "$folder/rsa3"
{
  echo "// Written by Tests/Fixtures/foreign-keys.sh; do not edit."
  echo
  echo "/// A public key and its signature over “message”, both in base 64."
  echo "struct ForeignKeyFixture: Sendable {"
  echo "  let key: String"
  echo "  let signature: String"
  echo
  fixture p256 "$folder/p256" -sha256
  fixture p384 "$folder/p384" -sha384
  fixture p384SHA256 "$folder/p384" -sha256
  fixture rsaPKCS1 "$folder/rsa" -sha256
  fixture rsaPSS "$folder/rsa" -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest
  fixture rsaPSSShortSalt "$folder/rsa" -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20
  fixture rsa1024 "$folder/rsa1024" -sha256
  fixture rsaExponent3 "$folder/rsa3" -sha256
  fixture k256 "$folder/k256" -sha256
  key=$folder/explicit
  openssl ec -in "$key" -pubout -param_enc explicit -outform DER -out "$folder/public" 2>/dev/null
  write explicitCurve -sha256
  key=$folder/p256
  openssl ec -in "$key" -pubout -conv_form compressed -outform DER -out "$folder/public" 2>/dev/null
  write compressedPoint -sha256
  echo "}"
} >"$out"
