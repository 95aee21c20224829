# The conformance suite of tunnels over a backend: conformance.sh BACKEND [OPTION …]. The results go out by /dev/ttyS1.
status=0
rustynet-bench conformance "$@" --json /tmp/results.json || status=$?
[ ! -f /tmp/results.json ] || cat /tmp/results.json >/dev/ttyS1
exit "$status"
