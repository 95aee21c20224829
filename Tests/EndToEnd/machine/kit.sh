# What the tests in the machine share. A test calls `expect NAME COMMAND …` for each thing that must hold, and `finish`.
failures=0
expect() {
  what=$1
  shift
  if "$@" >/tmp/expect.log 2>&1; then echo "passed $what"; else
    failures=$((failures + 1))
    echo "FAILED $what: $*"
    sed 's/^/  | /' /tmp/expect.log | tail -n 20
  fi
}
refuse() { expect "$1" not "$2" "$3" "$4" "$5" "$6" "$7" "$8" "$9"; }
not() { ! "$@"; }
# same A B: two texts are equal.
same() { [ "$1" = "$2" ] || { printf '%s\n---\n%s\n' "$1" "$2"; return 1; }; }
finish() {
  echo "failures: $failures"
  [ "$failures" = 0 ] && exit 0
  exit 1
}
now() { cut -d' ' -f1 /proc/uptime; }
# until_true SECONDS COMMAND …: tries again until it holds.
until_true() {
  left=$(($1 * 5))
  shift
  while ! "$@"; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.2
  done
}

# Two network namespaces, a and b, with one wire: 10.9.0.1 and 10.9.0.2, fd09::1 and fd09::2.
wire() {
  ip netns add a
  ip netns add b
  ip link add va netns a type veth peer name vb netns b
  for side in a:1 b:2; do
    n=${side%:*} i=${side#*:}
    ip -n "$n" link set lo up
    ip -n "$n" addr add "10.9.0.$i/24" dev "v$n"
    ip -n "$n" addr add "fd09::$i/64" dev "v$n" nodad
    ip -n "$n" link set "v$n" up
  done
}
in_a() { ip netns exec a "$@"; }
in_b() { ip netns exec b "$@"; }

# drive NODE NAME BACKEND: starts a backend in a namespace; `ask NAME VERB …` gives it a line and prints the answer.
drive() {
  mkfifo "/tmp/$2.in"
  : >"/tmp/$2.out"
  ip netns exec "$1" rustynet-bench tunnel-drive "$3" <"/tmp/$2.in" >"/tmp/$2.out" 2>"/tmp/$2.err" &
  eval "pid_$2=$!"
  # Kept open so that the program's input does not end with the first line.
  eval "exec $4>/tmp/$2.in"
}
ask() {
  name=$1 descriptor=$2
  shift 2
  lines=$(wc -l <"/tmp/$name.out")
  eval "echo \"\$*\" >&$descriptor"
  left=300
  while :; do
    answer=$(tail -n +$((lines + 1)) "/tmp/$name.out")
    case $answer in *ok | *problem\ *) break ;; esac
    left=$((left - 1))
    [ "$left" -gt 0 ] || { echo "no answer: $(cat "/tmp/$name.err")"; return 1; }
    sleep 0.1
  done
  echo "$answer"
  case $answer in *problem\ *) return 1 ;; esac
}
# answers CODE …: the question is refused with this code.
answers() {
  code=$1
  shift
  answer=$(ask "$@")
  case $answer in *"problem $code:"*) return 0 ;; esac
  echo "expected $code: $answer"
  return 1
}

# send_checked NODE PORT ADDRESS NODE_TO MEGABYTES: data with a checksum over TCP, both ways compared by SHA-256.
send_checked() {
  # An input that never ends: nc closes its side with its input, and the other one goes away then.
  [ -p /tmp/endless ] || mkfifo /tmp/endless
  ip netns exec "$4" busybox nc -l -p "$2" <>/tmp/endless 2>/dev/null | sha256sum >/tmp/received &
  receiver=$!
  sleep 0.5
  dd if=/dev/urandom of=/tmp/data bs=1048576 count="$5" 2>/dev/null
  ip netns exec "$1" timeout 200 busybox nc "$3" "$2" </tmp/data >/dev/null
  wait "$receiver"
  same "$(sha256sum </tmp/data)" "$(cat /tmp/received)"
}
