package resp

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestWords(t *testing.T) {
	for raw, want := range map[string][]string{
		"":                                     nil,
		"*2\r\n$3\r\nGET\r\n$1\r\nk\r\n":       {"GET", "k"},
		"*2\r\n$3\r\nGET\r\n$9\r\nke":          {"GET", "ke…"},
		"*2\r\n$3\r\nGET\r\n$9\r\n":            {"GET", "…"},
		"*2\r\n$3\r\nGET\r\n$9":                {"GET"},
		"*2\r\n$3\r\nGET\r\n":                  {"GET"},
		"*2\r\n$3\r\nGE":                       {"GE…"},
		"*2\r\n$3\r\nGET\r\n$4\r\na\xe2\x80":   {"GET", "a…"},
		"*2\r\n$-1\r\n_\r\n":                   {Nil, Nil},
		"*-1\r\n":                              {Nil},
		"*0\r\n":                               nil,
		"+OK\r\n":                              {"OK"},
		"+OK":                                  {"OK…"},
		"-ERR it broke\r\n":                    {"ERR it broke"},
		":17\r\n":                              {"17"},
		":17":                                  nil,
		"#t\r\n":                               {"true"},
		"#f\r\n":                               {"false"},
		",1.5\r\n":                             {"1.5"},
		"(123456789012345678901234567890\r\n":  {"123456789012345678901234567890"},
		"=8\r\ntxt:abcd\r\n":                   {"abcd"},
		"!5\r\nERR x\r\n":                      {"ERR x"},
		"%1\r\n+a\r\n*2\r\n:1\r\n:2\r\n":       {"a", "1", "2"},
		"|1\r\n+a\r\n+b\r\n*1\r\n:2\r\n":       {"2"},
		"*2\r\n|1\r\n+a\r\n+b\r\n:2\r\n:3\r\n": {"2", "3"},
		"$?\r\n;2\r\nab\r\n;1\r\nc\r\n;0\r\n":  {"abc"},
		"$?\r\n;2\r\nab\r\n;1\r\n":             {"ab…"},
		"*?\r\n:1\r\n:2\r\n.\r\n":              {"1", "2"},
		"*999999999\r\n:1\r\n":                 {"1"},
		"$999999999\r\nab":                     {"ab…"},
		"PING\r\n":                             {"PING"},
		"SET k \"a\\x41\\n\\\"b\" 'c\\'d'\r\n": {"SET", "k", "aA\n\"b", "c'd"},
		"*1\r\n$x\r\n":                         nil,
	} {
		assert.Equal(t, want, Words([]byte(raw)), "%q", raw)
	}
}

func TestWordsOfDeepNesting(t *testing.T) {
	assert.Empty(t, Words([]byte(strings.Repeat("*1\r\n", 100_000))))
}
