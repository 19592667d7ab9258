package hints

import (
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

var (
	// word is a variable's name as environments have them.
	word = regexp.MustCompile(`\b[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+\b`)
	// property is Spring's way to write one; the environment's is upper case.
	property = regexp.MustCompile(`\bspring\.(?:data\.)?redis\.(?:url|host|port)\b`)
	// about says that a name is about a Redis, or about what often is one.
	about = regexp.MustCompile(`(?:^|_)(?:REDIS|REDISHOST|REDISPORT|REDISCLOUD|VALKEY|KEYDB|DRAGONFLY|CELERY|BROKER|SIDEKIQ|RESQUE|RQ|BULL|BULLMQ|CACHE|QUEUE|IOREDIS|LETTUCE|JEDIS|RELAY)(?:_|$)`)
	// address is a host and a port, alone or in a URL.
	address = regexp.MustCompile(`(localhost|[A-Za-z][A-Za-z0-9-]*(?:\.[A-Za-z0-9-]+)*|\d{1,3}(?:\.\d{1,3}){3}|\[[0-9A-Fa-f:]+\]):(\d{2,5})\b`)
	// url is one of Redis, whatever its port.
	url = regexp.MustCompile(`\b(?:rediss?|valkeys?)://(?:[^\s"'@/]*@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9.-]+)(?::(\d{2,5}))?`)
	// defaultPort is Redis' port without a host beside it.
	defaultPort = regexp.MustCompile(`\b6379\b`)
)

// Form is how a variable's value is written.
type Form string

const (
	URL  Form = "{url}"
	Addr Form = "{addr}"
	Host Form = "{host}"
	Port Form = "{port}"
)

// FormOf tells by a variable's name what it holds; ok is false when it does not say.
func FormOf(name string) (f Form, ok bool) {
	for _, e := range []struct {
		suffix string
		form   Form
	}{
		{"URL", URL}, {"URI", URL}, {"DSN", URL}, {"BROKER", URL}, {"RESULT_BACKEND", URL}, {"CONNECTION_STRING", Addr},
		{"ADDR", Addr}, {"ADDRESS", Addr}, {"ADDRESSES", Addr}, {"ADDRS", Addr}, {"ENDPOINT", Addr}, {"SERVER", Addr}, {"SERVERS", Addr}, {"NODES", Addr},
		{"HOST", Host}, {"HOSTNAME", Host}, {"PORT", Port},
	} {
		if strings.HasSuffix(name, "_"+e.suffix) || name == "REDIS"+e.suffix {
			return e.form, true
		}
	}
	return "", false
}

// Line finds in one line of source the names of variables that may say where
// Redis is, and the addresses, HOST:PORT, that may be one. An address beside
// such a name is what holds when the variable is not set, and is left out, and
// so is a port that no host stands beside when another address is there. No
// credential is in what it returns.
func Line(line string) (variables, addresses []string) {
	if len(line) > 64<<10 {
		line = line[:64<<10]
	}
	add := func(list *[]string, s string) {
		if !slices.Contains(*list, s) {
			*list = append(*list, s)
		}
	}
	for _, w := range word.FindAllString(line, -1) {
		if _, ok := FormOf(w); ok && about.MatchString(w) && len(w) < 80 {
			add(&variables, w)
		}
	}
	for _, p := range property.FindAllString(line, -1) {
		add(&variables, strings.ToUpper(strings.ReplaceAll(p, ".", "_")))
	}
	if len(variables) > 0 {
		return variables, nil
	}
	for _, m := range url.FindAllStringSubmatch(line, -1) {
		port := m[2]
		if port == "" {
			port = "6379"
		}
		if a, ok := join(m[1], port); ok {
			add(&addresses, a)
		}
	}
	for _, m := range address.FindAllStringSubmatch(line, -1) {
		if a, ok := join(m[1], m[2]); ok && (m[2] == "6379" || strings.Contains(strings.ToLower(line), "redis") && loopback(m[1])) {
			add(&addresses, a)
		}
	}
	if len(addresses) == 0 && defaultPort.MatchString(line) {
		addresses = append(addresses, "localhost:6379")
	}
	return nil, addresses
}

func join(host, port string) (string, bool) {
	host = strings.Trim(host, "[]")
	n, err := strconv.Atoi(port)
	if err != nil || n < 1 || n > 65535 || host == "" {
		return "", false
	}
	if loopback(host) {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(n)), true
}

// loopback reports whether the host is this machine by either of its usual names.
func loopback(host string) bool {
	return host == "localhost" || host == "127.0.0.1" || host == "::1" || host == "[::1]" || host == "0.0.0.0"
}
