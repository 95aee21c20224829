#!/bin/sh
# Writes timestamp tokens, good ones and one for each fault, with authorities made here:
#   Tests/Fixtures/timestamps.sh FOLDER
# `message` is what was stamped; each `NAME.tst` is a token (`NAME.tsr` a response); `AUTHORITY.pem` a chain, signer first.
# OpenSSL's `ts` refuses to make a wrong token, so most are made by `cms` from a TSTInfo that is written here.
set -eu
mkdir -p "$1"
cd "$1"
printf message >message
digest=$(openssl dgst -sha256 -r message | cut -d' ' -f1)

key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1.key"; }

cat >ca.cnf <<'EOF'
[ca]
default_ca = ca
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
unique_subject = no
[policy]
organizationName = supplied
commonName = supplied
[root]
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign
[tsa]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
[renewed]
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
subjectAltName = DNS:tsa.example.org
[lax]
extendedKeyUsage = timeStamping
[two]
extendedKeyUsage = critical, timeStamping, codeSigning
[private]
extendedKeyUsage = critical, timeStamping, 1.3.6.1.4.1.55555.1
[none]
keyUsage = critical, digitalSignature
[encrypt]
keyUsage = critical, digitalSignature, keyEncipherment
extendedKeyUsage = critical, timeStamping
[unknown]
extendedKeyUsage = critical, timeStamping
1.3.6.1.4.1.55555.2 = critical, ASN1:NULL
EOF

# issue NAME SECTION ISSUER SERIAL START END [OPTIONS …]: a certificate for NAME.key; an ISSUER “self” signs itself.
issue() {
  name=$1 section=$2 issuer=$3 number=$4 start=$5 end=$6
  shift 6
  : >index
  echo "$number" >serial
  openssl req -new -key "$name.key" -subj "/O=example/CN=$name" -out request
  if [ "$issuer" = self ]; then signing="-selfsign -keyfile $name.key"; else
    signing="-cert $issuer.crt -keyfile $issuer.key"; fi
  # shellcheck disable=SC2086
  openssl ca -batch -notext -config ca.cnf -extensions "$section" $signing -in request -out "$name.crt" \
    -startdate "$start" -enddate "$end" -preserveDN "$@" 2>/dev/null
}

from=20200101000000Z
to=20491231235959Z
for name in root other; do
  key $name
  issue $name root self 01 $from $to
done
key middle
issue middle root root 02 $from $to
key tsa
issue tsa tsa root 11 $from $to
key foreign
issue foreign tsa other 11 $from $to
key deep
issue deep tsa middle 11 $from $to
key old
issue old tsa root 12 20200101000000Z 20260101000000Z
key weak
issue weak tsa root 13 $from $to -md sha1
for name in lax two private none encrypt unknown; do
  key $name
  issue $name $name root 20 $from $to
done
# The same name, number and key as `tsa`, and another certificate: a signature must be bound to one of them.
cp tsa.key renewed.key
: >index
echo 11 >serial
openssl req -new -key tsa.key -subj "/O=example/CN=tsa" -out request
openssl ca -batch -notext -config ca.cnf -extensions renewed -cert root.crt -keyfile root.key -in request \
  -out renewed.crt -startdate $from -enddate $to -preserveDN 2>/dev/null

for name in tsa renewed old lax two private none encrypt unknown weak; do cat $name.crt root.crt >$name.pem; done
cp root.crt root.pem
cp other.crt other.pem
cat deep.crt middle.crt root.crt >deep.pem
cat middle.crt root.crt >middle.pem
cat foreign.crt other.crt >foreign.pem

# info NAME [LINE …]: a TSTInfo; a LINE replaces or adds a field, such as “time = GENTIME:20260601120000Z”.
info() {
  file=$1
  shift
  hash=sha256 imprint=$digest version=1 time=20260601120000Z extra=
  for line in "$@"; do
    case $line in
      hash=*) hash=${line#*=} ;;
      imprint=*) imprint=${line#*=} ;;
      version=*) version=${line#*=} ;;
      time=*) time=${line#*=} ;;
      *) extra="$extra$line
" ;;
    esac
  done
  cat >info.cnf <<EOF
asn1 = SEQUENCE:info
[info]
version = INTEGER:$version
policy = OID:1.3.6.1.4.1.55555.3
imprint = SEQUENCE:imprint
serial = INTEGER:0x00c0ffee
time = GENTIME:$time
$(printf %s "$extra" | sed '/^\[/,$d')
[imprint]
algorithm = SEQUENCE:algorithm
digest = FORMAT:HEX,OCTETSTRING:$imprint
[algorithm]
name = OID:$hash
none = NULL
$(printf %s "$extra" | sed -n '/^\[/,$p')
EOF
  openssl asn1parse -genconf info.cnf -noout -out "$file.info"
}

# token NAME SIGNER [OPTIONS …]: signs NAME.info, with the attribute signing-certificate unless the options say else.
token() {
  name=$1 signer=$2
  shift 2
  openssl cms -sign -binary -nodetach -nosmimecap -md sha256 -econtent_type 1.2.840.113549.1.9.16.1.4 -outform DER \
    -in "$name.info" -signer "$signer.crt" -inkey "$signer.key" "$@" -out "$name.tst"
}

# stamp NAME SIGNER [LINE …]
stamp() {
  name=$1 signer=$2
  shift 2
  info "$name" "$@"
  token "$name" "$signer" -cades
}

stamp good tsa "nonce = INTEGER:7"
stamp fraction tsa time=20260601120000.125Z
stamp early tsa time=20191231235959Z
stamp renewed renewed
for name in foreign deep old lax two private none encrypt unknown weak; do stamp $name $name; done
stamp other-bytes tsa "imprint=$(openssl dgst -sha256 -r ca.cnf | cut -d' ' -f1)"
stamp sha384 tsa hash=sha384 "imprint=$(openssl dgst -sha384 -r message | cut -d' ' -f1)"
stamp sha1 tsa hash=sha1 "imprint=$(openssl dgst -sha1 -r message | cut -d' ' -f1)"
stamp short tsa "imprint=00ff"
stamp version tsa version=2
stamp named tsa "tsa = EXPLICIT:0,EXPLICIT:4,SEQUENCE:name
[name]
o = SET:o
cn = SET:cn
[o]
p = SEQUENCE:op
[op]
a = OID:organizationName
v = UTF8:example
[cn]
p = SEQUENCE:cp
[cp]
a = OID:commonName
v = UTF8:tsa"
stamp misnamed tsa "tsa = EXPLICIT:0,EXPLICIT:4,SEQUENCE:name
[name]
cn = SET:cn
[cn]
p = SEQUENCE:cp
[cp]
a = OID:commonName
v = UTF8:somebody else"
stamp critical tsa "extensions = IMPLICIT:1,SEQUENCE:list
[list]
one = SEQUENCE:one
[one]
a = OID:1.3.6.1.4.1.55555.4
b = BOOL:TRUE
c = FORMAT:HEX,OCTETSTRING:0500"
stamp uncritical tsa "extensions = IMPLICIT:1,SEQUENCE:list
[list]
one = SEQUENCE:one
[one]
a = OID:1.3.6.1.4.1.55555.4
c = FORMAT:HEX,OCTETSTRING:0500"
info bare && token bare tsa -cades -nocerts
info unbound && token unbound tsa
info plain && token plain tsa -noattr
info weak-digest && token weak-digest tsa -cades -md sha1
info bundled && token bundled deep -cades -certfile middle.crt
info smuggled && token smuggled foreign -cades -certfile other.crt
info two-signers && token two-signers tsa -cades -signer foreign.crt -inkey foreign.key
openssl cms -sign -binary -nodetach -md sha256 -outform DER -in good.info -signer tsa.crt -inkey tsa.key -cades \
  -out data.tst

# What OpenSSL's own server answers: granted, with SHA-512, and refused.
cat >ts.cnf <<'EOF'
[tsa]
default_tsa = one
[one]
serial = ts.serial
crypto_device = builtin
signer_digest = sha256
default_policy = 1.3.6.1.4.1.55555.3
digests = sha256, sha384, sha512
accuracy = secs:1, millisecs:500
clock_precision_digits = 3
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
EOF
echo 01 >ts.serial
for hash in sha256 sha512 sha1; do
  openssl ts -query -data message -$hash -cert -out $hash.tsq 2>/dev/null
  openssl ts -reply -config ts.cnf -queryfile $hash.tsq -signer tsa.crt -inkey tsa.key -chain root.crt \
    -out server-$hash.tsr 2>/dev/null
done
