# A backend against the real kernel: backend.sh BACKEND [A B]. What it sets is what the device has, and wg(8) agrees; nothing
# is left. A and B make a peer with 2·A·B ranges.
. ./kit.sh
backend=$1 a=${2:-255} b=${3:-256}
wire
key_a=$(wg genkey) key_b=$(wg genkey) psk=$(wg genpsk)
pub_a=$(echo "$key_a" | wg pubkey)
pub_b=$(echo "$key_b" | wg pubkey)
other=$(wg genkey | wg pubkey)
before=$(ip -n a link | cut -d: -f2; ip -n a route; ip -n a rule; ip -n a -6 rule; ip -n a -6 route)
drive a k "$backend" 3
in_a_dump() { in_a wg show wgka dump; }
ranges() { in_a wg show wgka allowed-ips | grep -F "$1" | cut -f2 | tr ' ' '\n' | sort | tr '\n' ' '; }

expect "before start nothing works" answers tunnel.not-running k 3 statistics
expect "a bad name is refused" answers tunnel.invalid-input k 3 start "a/b" "$key_a" 51001 1420 10.8.0.1/24
expect "IPv6 needs its MTU" answers tunnel.invalid-input k 3 start wgka "$key_a" 51001 1200 fd08::1/64
expect "start" ask k 3 start wgka "$key_a" 51001 1420 10.8.0.1/24,fd08::1/64
expect "a second start is refused" answers tunnel.already-running k 3 start wgka "$key_a" 51001 1420 10.8.0.1/24
expect "the link is up" sh -c 'ip -n a -br link show wgka | grep -q "LOWER_UP"'
expect "key and port" same "$(in_a wg show wgka private-key) $(in_a wg show wgka listen-port)" "$key_a 51001"
expect "addresses" same "$(ip -n a -br addr show wgka | awk '{print $3, $4}')" "10.8.0.1/24 fd08::1/64"

expect "peer" ask k 3 peer "$pub_b" psk="$psk" endpoint=10.9.0.2:51002 keepalive=25 ranges=10.8.0.2/32,fd08::2/128
expect "as wg shows it" same "$(in_a_dump | tail -n 1 | cut -f 1-5,8)" \
  "$(printf '%s\t%s\t10.9.0.2:51002\t10.8.0.2/32,fd08::2/128\t0\t25' "$pub_b" "$psk")"
expect "statistics name it" same "$(ask k 3 statistics | head -n 1 | cut -d' ' -f 1-4,6)" "peer $pub_b 10.9.0.2:51002 0 0"
expect "own key is refused" answers tunnel.invalid-input k 3 peer "$pub_a" ranges=10.8.0.9/32
expect "the range of a peer changes" ask k 3 peer "$pub_b" psk="$psk" endpoint=10.9.0.2:51002 keepalive=25 ranges=10.8.0.2/32,10.8.1.0/24
expect "ranges as wg shows them" same "$(ranges "$pub_b")" "10.8.0.2/32 10.8.1.0/24 "
expect "a second peer takes a range" ask k 3 peer "$other" ranges=10.8.1.0/24
expect "it has it" same "$(ranges "$pub_b")|$(ranges "$other")" "10.8.0.2/32 |10.8.1.0/24 "

expect "routes" ask k 3 routes "10.50.0.0/16@$pub_b@mesh" "192.168.7.0/24@$other@exit-lan" "fd50::/32@$pub_b@mesh"
routes_now() { ip -n a route show dev wgka proto 82; ip -n a -6 route show dev wgka proto 82; }
expect "the kernel routes them" same "$(routes_now | awk '{print $1}' | tr '\n' ' ')" "10.50.0.0/16 192.168.7.0/24 fd50::/32 "
expect "and the peers may send from there" same "$(ranges "$other")" "10.8.1.0/24 192.168.7.0/24 "
expect "fewer routes" ask k 3 routes "10.50.0.0/16@$other@mesh"
expect "are all that is left" same "$(routes_now | awk '{print $1}' | tr '\n' ' ')" "10.50.0.0/16 "
expect "a range goes with its route" same "$(ranges "$pub_b")|$(ranges "$other")" "10.8.0.2/32 |10.50.0.0/16 10.8.1.0/24 "
expect "a route through nobody is refused" answers tunnel.invalid-input k 3 routes "10.51.0.0/16@$pub_a@mesh"
expect "and changes nothing" same "$(routes_now | awk '{print $1}' | tr '\n' ' ')" "10.50.0.0/16 "

echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
in_a sh -c 'for f in /proc/sys/net/ipv4/conf/*/rp_filter; do echo 0 >$f; done'
expect "exit" ask k 3 exit "$pub_b"
expect "what is not marked goes in" sh -c "ip -n a route get 203.0.113.9 | grep -q 'dev wgka'"
expect "what is marked does not" sh -c "! ip -n a route get 203.0.113.9 mark $(in_a wg show wgka fwmark) 2>/dev/null | grep -q wgka"
expect "what is near does not" sh -c "ip -n a route get 10.9.0.2 | grep -q 'dev va'"
expect "IPv6 too" sh -c "ip -n a -6 route get 2001:db8::9 | grep -q 'dev wgka'"
expect "the exit may send from everywhere" same "$(ranges "$pub_b")" "0.0.0.0/0 10.8.0.2/32 ::/0 "
in_a sh -c 'echo 1 >/proc/sys/net/ipv4/conf/va/rp_filter'
expect "strict filtering is refused" answers tunnel.reverse-path k 3 exit "$pub_b"
in_a sh -c 'echo 0 >/proc/sys/net/ipv4/conf/va/rp_filter'
expect "exit again" ask k 3 exit "$other"
expect "one exit at a time" same "$(ranges "$pub_b")|$(ranges "$other")" "10.8.0.2/32 |0.0.0.0/0 10.50.0.0/16 10.8.1.0/24 ::/0 "
expect "off" ask k 3 exit off
expect "leaves no rule" sh -c "! { ip -n a rule; ip -n a -6 rule; } | grep -q 'proto 82'"
expect "and no mark" same "$(in_a wg show wgka fwmark)" off

begin=$(now)
expect "$((2 * a * b)) ranges on a peer" ask k 3 many "$pub_b" "$a" "$b"
echo "large configuration $(awk "BEGIN{print $(now)-$begin}") s" >/dev/ttyS1
expect "wg counts as many" same "$(in_a wg show wgka allowed-ips | grep -F "$pub_b" | wc -w)" $((2 * a * b + 1))
begin=$(now)
expect "and we read them" ask k 3 statistics
echo "large dump $(awk "BEGIN{print $(now)-$begin}") s" >/dev/ttyS1
expect "gone again" ask k 3 remove "$pub_b"
expect "one peer is left" same "$(in_a wg show wgka peers)" "$other"
expect "shutdown" ask k 3 shutdown
expect "nothing is left" same "$(ip -n a link | cut -d: -f2; ip -n a route; ip -n a rule; ip -n a -6 rule; ip -n a -6 route)" "$before"
expect "a second one is refused" answers tunnel.not-running k 3 shutdown

expect "start anew" ask k 3 start wgka "$key_a" 51001 1420 10.8.0.1/24
expect "peer" ask k 3 peer "$pub_b" endpoint=10.9.0.2:51002 ranges=10.8.0.2/32
expect "exit" ask k 3 exit "$pub_b"
ip -n a link add dummy0 type wireguard
expect "other links are not ours" ask k 3 events
ip -n a link del wgka
expect "the end of the link is told" same "$(ask k 3 events | head -n 1)" device-lost
expect "and nothing leaks" sh -c "! ip -n a route get 203.0.113.9"
expect "shutdown without a link" ask k 3 shutdown
ip -n a link del dummy0
expect "nothing is left" same "$(ip -n a link | cut -d: -f2; ip -n a route; ip -n a rule; ip -n a -6 rule; ip -n a -6 route)" "$before"

expect "start a third time" ask k 3 start wgka "$key_a" 51001 1420 10.8.0.1/24
expect "peer" ask k 3 peer "$pub_b" ranges=10.8.0.2/32
expect "exit" ask k 3 exit "$pub_b"
# The last backend is killed: the next start cleans up, and while one lives another is kept away.
threaded=$backend
[ "$backend" != kernel ] || threaded=kernel-threaded
drive a l "$threaded" 4
expect "a second process is kept away" answers tunnel.already-running l 4 start wgka "$key_a" 51001 1420 10.8.0.1/24
kill -9 "$pid_k"
wait "$pid_k" 2>/dev/null
expect "a restart cleans up, and polls in threads" ask l 4 start wgka "$key_a" 51001 1420 10.8.0.1/24
expect "no rule is left" sh -c "! { ip -n a rule; ip -n a -6 rule; } | grep -q 'proto 82'"
expect "no peer is left" same "$(in_a wg show wgka peers)" ""
expect "peer" ask l 4 peer "$pub_b" ranges=10.8.0.2/32
[ "$backend" != kernel ] || expect "threads are on" same "$(in_a cat /sys/class/net/wgka/threaded)" 1
expect "shutdown" ask l 4 shutdown
ip -n a link add wgka type wireguard
expect "somebody else's link is left alone" answers tunnel.interface-exists l 4 start wgka "$key_a" 51001 1420 10.8.0.1/24
ip -n a link del wgka
ip -n a link add wgkx type wireguard
in_a wg set wgkx listen-port 51001
ip -n a link set wgkx up
expect "a port in use is told" answers tunnel.port-in-use l 4 start wgka "$key_a" 51001 1420 10.8.0.1/24
ip -n a link del wgkx
expect "nothing is left" same "$(ip -n a link | cut -d: -f2; ip -n a route; ip -n a rule; ip -n a -6 rule; ip -n a -6 route)" "$before"
finish
