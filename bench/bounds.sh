#!/usr/bin/env bash
# Feeds a flakehunt binary what is larger, deeper or stranger than anything real, and
# prints for each how it ended and the most memory that it had, so that two builds
# can be put side by side.
#
#   bench/bounds.sh FLAKEHUNT
#
# It needs GNU time and Python 3, works in a directory of its own, and ends only what
# it started. A program that takes more than 4 GB is ended by the kernel.
set -uo pipefail
fh=$(readlink -f "$1")
dir=$(mktemp -d)
trap 'kill $fake 2>/dev/null; rm -rf "$dir"' EXIT
fake=
cd "$dir" || exit 3
export XDG_CONFIG_HOME=$dir/config
ulimit -v 8000000
printf '%s\n%-44s %5s %10s\n' "$("$fh" version 2>/dev/null | head -1)" "" exit memory
try() { # WHAT COMMAND…
	local what=$1 code=0
	shift
	/usr/bin/time -o time -f %M timeout 120 "$@" >said 2>&1 || code=$?
	printf '%-44s %5s %7s MB   %.90s\n' "$what" "$code" "$(($(tail -1 time) / 1024))" "$(grep -a flakehunt: said | head -1)"
}
decisions() { yes '{"at":"kv>GET \"k\" #1","action":"delay","delay":"1ms"},' | head -n $(($1 - 1)); echo '{"at":"kv>GET \"k\" #1","action":"delay","delay":"1ms"}'; }
finding() { printf '{"version":1,"id":"F-01","tests":["t"],"fingerprint":"f","class":"unattributed","target":{"kind":"shipped"},"schedule":{"version":1,"strategy":"replay","decisions":['; decisions "$1"; printf ']}}'; }

finding 1 | sed 's/"delay":"1ms"/"delay":"-1s"/' >negative.json
finding 1000000 >many.json
mkdir result run
{ printf '{"schema":1,"tool":"x","seed":"7","strategy":"directed","tests":[],"findings":['; finding 1000000; printf ']}'; } >result/result.json
{ echo quarantine:; yes '  - {test: t, owner: o, reason: r, expires: 2099-01-01}' | head -n 200000; } >many.yaml
head -c 5000000 /dev/zero | tr '\0' '[' >deep.yaml
{ printf '<testsuite>'; yes '<testsuite>' | head -n 1000000; } >deep.xml
{ printf '{"trial":1,"suite":"c","arm":"survey","seed":"1","worker":1,"start":"2026-01-01T00:00:00Z","outcomes":[{"test":{"name":"c/t","suite":"c"},"verdict":"pass"}]}\n{"x":"'
	head -c 300000000 /dev/zero | tr '\0' x; printf '"}\n'; } >run/trials.jsonl
echo '<testsuite name="s"><testcase classname="c" name="t"/></testsuite>' >ok.xml
"$fh" import -q --db h.db ok.xml >/dev/null 2>&1

try "nothing: version" "$fh" version
try "a finding of 1,000,000 decisions" "$fh" repro -q --redis embedded -n 1 many.json
try "a result of 1,000,000 decisions" "$fh" report result
try "a negative delay" "$fh" repro -q --redis embedded -n 1 negative.json
try "a quarantine of 200,000 entries" "$fh" gate --db h.db --junit ok.xml --quarantine many.yaml
try "settings of 5,000,000 brackets" "$fh" run --config deep.yaml
try "JUnit 1,000,000 elements deep" "$fh" gate --db h.db --junit deep.xml
try "a journal with a line of 300 MB" "$fh" report run

# A server that answers BIG with 16,000,000 elements and DEEP with 100,000 lists in
# one another. What else it answers, Redis would.
cat >fake.py <<'P'
import socketserver, sys
class H(socketserver.StreamRequestHandler):
    def handle(self):
        while True:
            line = self.rfile.readline()
            if not line: return
            words = []
            for _ in range(int(line[1:])):
                n = int(self.rfile.readline()[1:]); words.append(self.rfile.read(n).upper()); self.rfile.read(2)
            w = words[0]
            if w == b"BIG":
                self.wfile.write(b"*16000000\r\n")
                for _ in range(1600): self.wfile.write(b":1\r\n" * 10000)
            elif w == b"DEEP": self.wfile.write(b"*1\r\n" * 100000 + b":1\r\n")
            elif w in LARGE:
                self.wfile.write(b"*16000000\r\n")
                for _ in range(1600): self.wfile.write(b"$1\r\nx\r\n" * 10000)
            elif w == b"INFO": t = b"redis_version:7.0.15\r\nredis_mode:standalone\r\n"; self.wfile.write(b"$%d\r\n%s\r\n" % (len(t), t))
            elif w in (b"DBSIZE", b"DEL", b"PUBLISH"): self.wfile.write(b":0\r\n")
            elif w in (b"CONFIG", b"KEYS", b"FUNCTION", b"ACL", b"CLIENT") : self.wfile.write(b"*0\r\n")
            elif w == b"SCAN": self.wfile.write(b"*2\r\n$1\r\n0\r\n*0\r\n")
            elif w == b"PING": self.wfile.write(b"+PONG\r\n")
            elif w == b"HELLO": self.wfile.write(b"-ERR unknown command 'HELLO'\r\n")
            else: self.wfile.write(b"+OK\r\n")
LARGE = [w.encode() for w in sys.argv[1:]]
class S(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
s = S(("127.0.0.1", 0), H)
print(s.server_address[1], flush=True)
s.serve_forever()
P
serve() {
	[ -z "$fake" ] || { kill "$fake"; wait "$fake" 2>/dev/null; }
	python3 fake.py "$@" >port 2>/dev/null &
	fake=$!
	until [ -s port ]; do sleep 0.05; done
	port=$(cat port)
	: >port
}
cat >ask.sh <<'A'
python3 - "$1" <<'P'
import os, socket, sys
c = socket.create_connection((os.environ["REDIS_HOST"], int(os.environ["REDIS_PORT"])))
w = sys.argv[1].encode()
c.sendall(b"*1\r\n$%d\r\n%s\r\n" % (len(w), w))
n, want = 0, {"BIG": 64000000, "DEEP": 400000}[sys.argv[1]]
while n < want:
    b = c.recv(1 << 20)
    if not b: break
    n += len(b)
P
A
serve
try "through the proxy: 16,000,000 elements" "$fh" run -q --redis "redis://127.0.0.1:$port/0" --trials 2 --strategy none --out o1 -- sh ask.sh BIG
try "through the proxy: 100,000 lists deep" "$fh" run -q --redis "redis://127.0.0.1:$port/0" --trials 2 --strategy none --out o2 -- sh ask.sh DEEP
serve CONFIG
try "asked by flakehunt itself: 16,000,000 elements" "$fh" run -q --redis "redis://127.0.0.1:$port/0" --trials 2 --strategy none --out o3 -- true
