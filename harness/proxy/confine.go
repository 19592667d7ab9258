package proxy

import (
	"bytes"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/flakehunt/flakehunt/harness"
	"github.com/flakehunt/flakehunt/harness/resp"
)

// Confine keeps clients to one database of a Redis whose password they did not
// give: the proxy's connections carry it. What would reach another database, the
// server's secrets or the whole server is refused: its verb is overwritten, so
// that Redis answers with an error in its place. FLUSHALL becomes FLUSHDB.
//
// A script that puts the name of such a command together is not seen.
type Confine struct {
	DB        int               // the database
	OnRefusal func(text string) // told what was refused, and why, once a test; may be nil
}

// deniedVerb is written over the verb of a command that is refused, cut or
// filled to its length.
const deniedVerb = "DENIED-BY-FLAKEHUNT"

// wholeServer lists commands that concern the whole server, in any form.
var wholeServer = map[string]string{
	"SWAPDB": "", "MOVE": "", "REPLICAOF": "", "SLAVEOF": "", "SYNC": "", "PSYNC": "", "FAILOVER": "",
	"SHUTDOWN": "", "DEBUG": "", "MODULE": "", "MONITOR": "it shows the commands of all databases",
	"RESET": "it gives up the login and the database that the URL names",
}

// inScript finds, in a script's text, the name of a command that is refused.
var inScript = regexp.MustCompile(`(?i)["'\[](select|swapdb|move|flushall|debug|replicaof|slaveof|shutdown)["'\]]`)

// refuses says why a command is refused; "": it is not. Of one that is longer
// than what was kept, cut is set: what can't be seen is refused.
func (c *Confine) refuses(args []string, cut bool) string {
	verb := strings.ToUpper(args[0])
	word := func(i int) string {
		if i < len(args) {
			return strings.ToUpper(args[i])
		}
		return ""
	}
	if why, ok := wholeServer[verb]; ok {
		if why == "" {
			why = "it reaches beyond database " + strconv.Itoa(c.DB)
		}
		return why
	}
	switch verb {
	case "SELECT":
		if db, err := strconv.Atoi(word(1)); len(args) == 2 && (err != nil || db != c.DB) {
			return fmt.Sprintf("the URL names database %d", c.DB)
		}
	case "COPY":
		for i := 3; i+1 < len(args); i++ {
			if db, err := strconv.Atoi(word(i + 1)); word(i) == "DB" && (err != nil || db != c.DB) {
				return fmt.Sprintf("the URL names database %d", c.DB)
			}
		}
	case "CONFIG":
		return c.refusesConfig(args, cut)
	case "ACL":
		switch word(1) {
		case "LIST", "GETUSER", "SAVE", "LOAD":
			return "it is about the server's passwords"
		}
	case "EVAL", "EVAL_RO", "SCRIPT", "FUNCTION":
		for _, a := range args[1:] {
			if m := inScript.FindStringSubmatch(a); m != nil {
				return fmt.Sprintf("its script calls %s", strings.ToUpper(m[1]))
			}
		}
	}
	return ""
}

// refusesConfig is refuses for CONFIG.
func (c *Confine) refusesConfig(args []string, cut bool) string {
	const why = "it is about the server's passwords"
	if len(args) < 2 {
		return ""
	}
	switch strings.ToUpper(args[1]) {
	case "GET":
		if cut || revealing(args) {
			return why
		}
	case "SET":
		for i := 2; i < len(args); i += 2 {
			if cut || isSecretSetting(strings.ToUpper(args[i])) {
				return why
			}
		}
	case "REWRITE":
		return "it writes the server's configuration file"
	}
	return ""
}

// confine looks at the command that was just framed, or at the beginning of a
// long one that is under way, and refuses it where it stands in the stream. b is
// the frame or its beginning, at what offset it begins. It changes bytes that
// have not been forwarded.
func (p *pipe) confine(c *chunk, b []byte, at int64, cut bool) {
	args := resp.Words(b)
	if len(args) == 0 {
		return
	}
	why := p.s.c.cfg.Confine.refuses(args, cut)
	if why == "" {
		return
	}
	if clean, hidden := redact(args); len(hidden) > 0 {
		p.s.hide(hidden)
		p.masked = resp.AppendCommand(nil, clean...)
	}
	from := verbAt(b, args[0])
	c.write(p, b, at, from, strings.Repeat(deniedVerb, 1+len(args[0])/len(deniedVerb))[:len(args[0])])
	shown := strings.ToUpper(args[0][:min(len(args[0]), 32)])
	if cmd := p.s.c.names.command([]byte(args[0])); len(args) > 1 && (cmd.container || shown == "SELECT") {
		shown += " " + strings.ToUpper(args[1][:min(len(args[1]), 32)])
	}
	p.reportRefusal(shown+" was refused", why)
}

// verbAt says where in a frame its verb stands.
func verbAt(b []byte, verb string) int {
	if b[0] != '*' {
		return max(0, strings.Index(string(b), verb))
	}
	first := bytes.IndexByte(b, '\n') + 1
	return first + bytes.IndexByte(b[first:], '\n') + 1
}

// narrow makes FLUSHDB of a FLUSHALL that was just framed.
func (p *pipe) narrow(c *chunk, f *frame) {
	fr := p.framer
	words := resp.Words(fr.Head)
	if len(words) == 0 || !strings.EqualFold(words[0], "FLUSHALL") {
		return
	}
	f.raw = bytes.Clone(f.raw)
	at := p.read - fr.Size
	if fr.Type == resp.Inline {
		c.write(p, fr.Head, at, verbAt(fr.Head, words[0]), "FLUSHDB ")
	} else { // an empty line before a command is nothing to Redis
		c.write(p, fr.Head, at, 0, "\n*"+strconv.FormatInt(fr.Argc, 10)+"\r\n$7\r\nFLUSHDB\r\n")
	}
	p.reportRefusal("FLUSHALL was narrowed to FLUSHDB", "other databases of the Redis that the URL names are not the suite's")
}

// chunk is what was read at once, and where in the stream it begins.
type chunk struct {
	b  []byte
	at int64
}

func newChunk(p *pipe, b []byte) chunk { return chunk{b, p.read} }

// asks takes a request that was just framed.
func (p *pipe) asks(c *chunk, f *frame) {
	if !p.confined() {
		p.s.request(f)
		return
	}
	fr := p.framer
	if !p.loose {
		p.confine(c, fr.Head, p.read-fr.Size, fr.Size > int64(len(fr.Head)))
	}
	p.s.request(f)
	if p.masked != nil {
		f.raw, p.masked = p.masked[:min(len(p.masked), p.s.c.cfg.PayloadLimit)], nil
	}
	p.narrow(c, f)
	p.seen, p.loose = p.read, false
}

// write overwrites what stands in the stream from an offset in the frame that
// begins at frame, also in head, the frame's own copy.
func (c *chunk) write(p *pipe, head []byte, frame int64, from int, text string) {
	copy(head[min(from, len(head)):], text)
	for i := range len(text) {
		if off := frame + int64(from+i); off >= c.at {
			c.b[off-c.at] = text[i]
		} else if off >= p.wrote {
			p.buf[p.from+int(off-p.wrote)] = text[i]
		}
	}
}

// hold keeps the beginning of a command back until it was looked at. The
// beginning of a long one is all that is looked at: the rest goes on as it comes.
func (p *pipe) hold(c *chunk) {
	b := p.framer.Begun()
	if p.loose || len(b) < headLimit {
		return
	}
	p.loose = true
	p.confine(c, b, p.read-p.framer.Arrived(), true)
}

// reportRefusal warns of a refusal, once a test.
func (p *pipe) reportRefusal(what, why string) {
	c := p.s.c
	if c.run.refused == nil {
		c.run.refused = map[string]bool{}
	}
	if c.run.refused[what] || len(c.run.refused) >= maxWarnings {
		return
	}
	c.run.refused[what] = true
	c.warn(c.now(), p.s.conn, what+": "+why)
	if told := c.cfg.Confine.OnRefusal; told != nil {
		told(what + ": " + why)
	}
}

// confined reports whether what passes here must be looked at first.
func (p *pipe) confined() bool { return p.s.c.cfg.Confine != nil && p.dir == harness.ToServer }

// limit is the offset up to which bytes may go.
func (p *pipe) limit() int64 {
	if !p.confined() || p.loose || p.eof {
		return p.read
	}
	return max(p.seen, p.wrote)
}
