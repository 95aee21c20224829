# The kernel's WireGuard and a daemon's, each behind its backend: interop.sh "DAEMON COMMAND" [MEGABYTES]
# Both begin handshakes and both answer them; preshared keys, IPv6 inside and outside, roaming, another key.
. ./kit.sh
daemon=$1 megabytes=${2:-64}
wire
key_a=$(wg genkey) key_b=$(wg genkey) psk=$(wg genpsk)
pub_a=$(echo "$key_a" | wg pubkey)
pub_b=$(echo "$key_b" | wg pubkey)
before_b=$(ip -n b link | cut -d: -f2; ip -n b route; ls /run/wireguard)
drive a k kernel 3
drive b u "$daemon" 4
expect "the kernel starts" ask k 3 start wgka "$key_a" 51001 1420 10.8.0.1/24,fd08::1/64
expect "the daemon starts" ask u 4 start wgkb "$key_b" 51002 1420 10.8.0.2/24,fd08::2/64
pings() { in_a ping -q -c 3 -i 0.2 -W 5 10.8.0.2 && in_a ping -q -c 3 -i 0.2 -W 5 fd08::2; }
pings_back() { in_b ping -q -c 3 -i 0.2 -W 5 10.8.0.1 && in_b ping -q -c 3 -i 0.2 -W 5 fd08::1; }
a_knows() { ask k 3 peer "$pub_b" ranges=10.8.0.2/32,fd08::2/128 "$@"; }
b_knows() { ask u 4 peer "$pub_a" ranges=10.8.0.1/32,fd08::1/128 "$@"; }
forget() { ask k 3 remove "$pub_b" && ask u 4 remove "$pub_a"; }
timed() {
  begin=$(now)
  "$@" || return 1
  echo "$what: $(awk "BEGIN{printf \"%.1f s\", $(now)-$begin}")" >/dev/ttyS1
}

# The kernel begins; the daemon learns where it is.
expect "peers, the kernel knows the place" a_knows psk="$psk" endpoint=10.9.0.2:51002
expect "peers, the daemon does not" b_knows psk="$psk"
expect "the kernel begins" pings
expect "both say that they are connected" same \
  "$(ask k 3 events | grep connected) $(ask u 4 events | grep connected)" "connected $pub_b connected $pub_a"
expect "$megabytes MB from the kernel to the daemon" timed send_checked a 7001 10.8.0.2 b "$megabytes"

# The kernel moves, IPv4 to IPv4 and then to IPv6.
ip -n a addr add 10.9.0.11/24 dev va
ip -n a addr del 10.9.0.1/24 dev va
ip -n a addr add 10.9.0.1/24 dev va
expect "roaming is noticed" until_true 20 sh -c 'ip netns exec a ping -q -c 1 -W 1 10.8.0.2 && ip netns exec b wg show wgkb endpoints | grep -q "10.9.0.1*:"'
expect "the kernel is told another place" a_knows psk="$psk" endpoint="[fd09::2]:51002"
expect "the daemon follows" until_true 20 sh -c 'ip netns exec a ping -q -c 1 -W 1 10.8.0.2 && ip netns exec b wg show wgkb endpoints | grep -q "fd09::1.:51001"'
expect "and says so" sh -c "! [ -z '$(ask u 4 events | grep moved)' ]"

# The daemon begins, over IPv6, with another second key.
psk=$(wg genpsk)
expect "everything is forgotten" forget
expect "peers, the kernel does not know the place" a_knows psk="$psk"
expect "peers, the daemon does" b_knows psk="$psk" endpoint="[fd09::1]:51001"
expect "the daemon begins" pings_back
expect "$megabytes MB from the daemon to the kernel" timed send_checked b 7002 10.8.0.1 a "$megabytes"

# A wrong second key is refused; the right one works again.
expect "everything is forgotten" forget
expect "a wrong second key" a_knows psk="$(wg genpsk)" endpoint=10.9.0.2:51002
expect "peers" b_knows psk="$psk"
expect "carries nothing" not in_a ping -q -c 2 -i 0.2 -W 2 10.8.0.2
expect "the right one" a_knows psk="$psk" endpoint=10.9.0.2:51002
expect "carries again" until_true 20 pings

# The daemon gets another key while it runs; the kernel is told.
key_c=$(wg genkey)
pub_c=$(echo "$key_c" | wg pubkey)
echo "$key_c" >/tmp/key_c
expect "another key" in_b wg set wgkb private-key /tmp/key_c
expect "the kernel forgets the old one" ask k 3 remove "$pub_b"
pub_b=$pub_c
expect "and is told the new one" a_knows psk="$psk" endpoint=10.9.0.2:51002
expect "a handshake with the new key" pings
expect "named by the statistics" sh -c "[ '$(ask k 3 statistics | head -n 1 | cut -d' ' -f 2)' = '$pub_c' ]"

expect "the kernel ends" ask k 3 shutdown
expect "the daemon ends" ask u 4 shutdown
expect "the daemon leaves nothing" same "$(ip -n b link | cut -d: -f2; ip -n b route; ls /run/wireguard)" "$before_b"
finish
