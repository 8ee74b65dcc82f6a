package dissect

import (
	"bytes"
	"crypto/hmac"
	"fmt"
	"strings"
	"unicode"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// A Mistake is one that clients are known to make.
type Mistake struct {
	Code string // stable, such as domain-upper-cased
	Text string // what the response was computed with
	Hint string // what to do
}

// A choice is one value that a client may have computed with; mistake is nil for the right one.
type choice[T any] struct {
	value   T
	mistake *Mistake
}

// choices collects what is worth trying, each value once.
type choices[T any] struct {
	all  []choice[T]
	same func(a, b T) bool
}

func newChoices[T any](right T, same func(a, b T) bool) *choices[T] {
	return &choices[T]{[]choice[T]{{value: right}}, same}
}

func (c *choices[T]) add(value T, code, text, hint string) {
	for _, known := range c.all {
		if c.same(known.value, value) {
			return
		}
	}
	c.all = append(c.all, choice[T]{value, &Mistake{code, text, hint}})
}

// An attempt is inputs with which NTProofStr comes out as it was sent.
type attempt struct {
	mistakes  []Mistake // none where all inputs are right
	key       [16]byte
	challenge *ntlmView
}

// search finds the inputs of NTProofStr with the fewest mistakes in them; nil where none fits.
func (x *Exchange) search(o Options, known []*challenge) *attempt {
	var best *attempt
	proof := x.authenticate.nt[:proofLength]
	challenges, temps := x.challenges(known), x.temps()
	account := ntlm.ParseAccount(o.Account)
	users, domains := x.users(account), x.domains(account)
	for _, password := range passwords(*o.Password) {
		for _, user := range users {
			for _, domain := range domains {
				key := ntlm.ResponseKey(password.value, user.value+domain.value)
				for _, challenge := range challenges {
					for _, temp := range temps {
						made := made(password.mistake, user.mistake, domain.mistake, challenge.mistake, temp.mistake)
						if best != nil && len(made) >= len(best.mistakes) {
							continue
						}
						if got := ntlm.NTProofStr(key, [8]byte(challenge.value.serverChallenge), temp.value); hmac.Equal(got[:], proof) {
							best = &attempt{made, key, challenge.value}
						}
					}
				}
			}
		}
	}
	return best
}

func made(mistakes ...*Mistake) []Mistake {
	var all []Mistake
	for _, m := range mistakes {
		if m != nil {
			all = append(all, *m)
		}
	}
	return all
}

// users lists how the user name may stand in the key (3.3.2: upper-cased).
func (x *Exchange) users(account ntlm.Account) []choice[string] {
	user := x.User
	c := newChoices(strings.ToUpper(user), equal)
	c.add(user, "user-not-upper-cased", fmt.Sprintf("the user name as it stands, %s, not upper-cased", quote(user)), "NTOWFv2 upper-cases the user name, and only that (3.3.2)")
	c.add(strings.ToLower(user), "user-lower-cased", "the user name lower-cased", "NTOWFv2 upper-cases the user name (3.3.2)")
	if _, bare, ok := strings.Cut(user, `\`); ok {
		c.add(strings.ToUpper(bare), "user-without-domain", fmt.Sprintf("the user name %s, where the message says %s", quote(bare), quote(user)), "put the domain into DomainName, and the bare name into UserName")
	}
	if bare, _, ok := strings.Cut(user, "@"); ok {
		c.add(strings.ToUpper(bare), "user-without-realm", fmt.Sprintf("the user name %s, where the message says %s", quote(bare), quote(user)), "send and compute with the same name: a UPN stays whole, with an empty domain")
	}
	if x.Domain != "" {
		c.add(strings.ToUpper(x.Domain+`\`+user), "user-with-domain", `the user name with its domain, DOMAIN\user, where the message says the bare name`, "split the account at the backslash before computing")
	}
	if account.User != "" {
		c.add(strings.ToUpper(account.User), "user-other", fmt.Sprintf("the user name %s, where the message says %s", quote(account.User), quote(user)), "send and compute with the same name")
	}
	return c.all
}

// domains lists what may stand for the domain in the key (3.3.2: as it is in the message).
func (x *Exchange) domains(account ntlm.Account) []choice[string] {
	domain := x.Domain
	says := fmt.Sprintf(", where the message says %s", quote(domain))
	const hint = "NTOWFv2 takes the domain exactly as the message says it (3.3.2)"
	c := newChoices(domain, equal)
	c.add("", "domain-empty", "an empty domain"+says, hint)
	c.add(strings.ToUpper(domain), "domain-upper-cased", "the domain upper-cased"+says, hint+": only the user name is upper-cased")
	c.add(strings.ToLower(domain), "domain-lower-cased", "the domain lower-cased"+says, hint)
	for _, id := range []ntlm.AVID{ntlm.AvNbDomainName, ntlm.AvNbComputerName, ntlm.AvDNSDomainName, ntlm.AvDNSComputerName} {
		if name := x.challenge.pairs.Text(id); name != "" {
			c.add(name, "domain-of-server", fmt.Sprintf("the server's name %s (%v) as domain%s", quote(name), id, says), hint)
		}
	}
	if name := x.challenge.targetName; name != "" {
		c.add(name, "domain-of-server", fmt.Sprintf("the server's name %s (TargetName) as domain%s", quote(name), says), hint)
	}
	if x.Workstation != "" {
		c.add(x.Workstation, "domain-of-client", fmt.Sprintf("the workstation's name %s as domain%s", quote(x.Workstation), says), hint)
	}
	if before, _, ok := strings.Cut(x.User, `\`); ok {
		c.add(before, "domain-of-user", fmt.Sprintf("the domain %s%s", quote(before), says), hint)
	}
	if _, realm, ok := strings.Cut(x.User, "@"); ok {
		c.add(realm, "domain-of-user", fmt.Sprintf("the realm %s as domain%s", quote(realm), says), hint)
	}
	if account.User != "" {
		c.add(account.Domain, "domain-other", fmt.Sprintf("the domain %s%s", quote(account.Domain), says), hint)
	}
	return c.all
}

// passwords lists what becomes of a password on its way. No text here says the password.
func passwords(password string) []choice[string] {
	c := newChoices(password, equal)
	const newline, hint = "a newline behind the given password", "cut the newline off what is read from a file or a pipe"
	c.add(password+"\n", "password-newline", newline, hint)
	c.add(password+"\r\n", "password-newline", newline+" (CR LF)", hint)
	c.add(password+"\r", "password-newline", "a carriage return behind the given password", hint)
	c.add(password+"\x00", "password-nul", "a NUL behind the given password", "a password ends where its text does")
	c.add(strings.TrimSpace(password), "password-trimmed", "the given password without the spaces around it", "spaces belong to a password")
	c.add(password+" ", "password-space", "a space behind the given password", "cut it off where the client reads the password")
	c.add(swapCase(password), "password-caps-lock", "the given password as it is typed with Caps Lock on", "one of the two was typed so: turn it off")
	c.add(bytesAsRunes(password), "password-encoding", "the given password's UTF-8 bytes, each taken for a character", "decode the password from UTF-8 before encoding it in UTF-16LE (3.3.1)")
	c.add("", "password-empty", "an empty password", "the client has not got the password at all")
	return c.all
}

// challenges lists what the response may answer.
func (x *Exchange) challenges(known []*challenge) []choice[*ntlmView] {
	c := newChoices(x.challenge, func(a, b *ntlmView) bool { return bytes.Equal(a.serverChallenge, b.serverChallenge) })
	for _, other := range known {
		c.add(other.view, "challenge-stale", fmt.Sprintf("the challenge of %v, not that of %v", other.ref, x.Challenge),
			"answer the challenge of the same connection; each connection has its own, and each login a new one")
	}
	return c.all
}

// temps lists what NTProofStr may have been computed over behind the challenge (3.3.2: all that is sent behind it).
func (x *Exchange) temps() []choice[[]byte] {
	temp := x.authenticate.temp()
	const hint = "compute over exactly what is sent behind NTProofStr (3.3.2)"
	c := newChoices(temp, bytes.Equal)
	if info := x.challenge.targetInfo; len(info) > 0 {
		begin := bytes.Clone(temp[:clientFixed])
		text := "the challenge's own AV pairs, not those that the message carries"
		c.add(append(bytes.Clone(begin), info...), "pairs-of-challenge", text, hint+": add AV pairs before computing")
		c.add(append(append(bytes.Clone(begin), info...), 0, 0, 0, 0), "pairs-of-challenge", text, hint+": add AV pairs before computing")
	}
	if short, ok := bytes.CutSuffix(temp, []byte{0, 0, 0, 0}); ok && len(short) >= clientFixed {
		c.add(short, "temp-short", "the response without its last four zero bytes", hint)
	}
	c.add(append(bytes.Clone(temp), 0, 0, 0, 0), "temp-long", "four zero bytes more behind the response", hint)
	return c.all
}

func equal(a, b string) bool { return a == b }

func swapCase(s string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsUpper(c) {
			return unicode.ToLower(c)
		}
		return unicode.ToUpper(c)
	}, s)
}

func bytesAsRunes(s string) string {
	var out strings.Builder
	for i := range len(s) {
		out.WriteRune(rune(s[i]))
	}
	return out.String()
}
