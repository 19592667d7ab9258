package proxy

import "strings"

// redacted stands in place of a credential, as in Redis' own MONITOR.
const redacted = "(redacted)"

// redact replaces the credentials in a command; ok reports whether there are any.
func redact(args []string) (clean []string, ok bool) {
	clean = append([]string(nil), args...)
	from := len(clean)
	word := func(i int) string {
		if i < len(args) {
			return strings.ToUpper(args[i])
		}
		return ""
	}
	switch word(0) {
	case "AUTH":
		from = 1
	case "HELLO":
		for i := 2; i < len(args); i++ {
			if word(i) == "AUTH" {
				for j := i + 1; j <= i+2 && j < len(args); j++ {
					clean[j], ok = redacted, true
				}
				i += 2
			}
		}
	case "CONFIG":
		if word(1) == "SET" {
			for i := 2; i+1 < len(args); i += 2 {
				if isSecretSetting(word(i)) {
					clean[i+1], ok = redacted, true
				}
			}
		}
	case "ACL":
		if word(1) == "SETUSER" {
			from = 3
		}
	case "MIGRATE":
		for i := 6; i < len(args); i++ {
			if w := word(i); w == "AUTH" || w == "AUTH2" {
				from = i + 1
				break
			}
			if word(i) == "KEYS" {
				break
			}
		}
	}
	for i := from; i < len(args); i++ {
		clean[i], ok = redacted, true
	}
	return clean, ok
}

// revealing reports whether the reply to a command may hold a credential.
func revealing(args []string) bool {
	if len(args) < 2 {
		return false
	}
	switch strings.ToUpper(args[0]) + " " + strings.ToUpper(args[1]) {
	case "CONFIG GET":
		for _, pattern := range args[2:] {
			if strings.ContainsAny(pattern, "*?[\\") || isSecretSetting(strings.ToUpper(pattern)) {
				return true
			}
		}
	case "ACL LIST", "ACL GETUSER", "ACL GENPASS":
		return true
	}
	return false
}

func isSecretSetting(name string) bool {
	for _, s := range []string{"REQUIREPASS", "MASTERAUTH", "PRIMARYAUTH", "MASTERUSER", "KEY-FILE-PASS"} {
		if strings.Contains(name, s) {
			return true
		}
	}
	return false
}
