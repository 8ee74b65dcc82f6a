package config

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
	"unicode/utf8"
)

// Secrets is where passwords come from at run time, and remembers them, so that several targets with
// one source ask it once. Its methods are called through Target and may be called by several
// goroutines: one secret is fetched at a time. Do not copy it after the first use.
type Secrets struct {
	// Stdin gives --password-stdin: its first line, and not a byte beyond, is read.
	Stdin io.Reader
	// Typed says that Stdin is a terminal: whoever types the password there is asked by Prompt, so that nobody reads along.
	Typed bool
	// Stderr takes what a password_command says; nil discards it.
	Stderr io.Writer
	// Prompt asks a person, without echo, until ctx is done. Nil: there is no terminal.
	Prompt func(ctx context.Context, prompt string) (string, error)
	// Keyring is that of the machine. Nil: there is none.
	Keyring Keyring

	mu      sync.Mutex
	known   map[string]func() (string, error) // closures, so that no print shows them
	patient time.Duration                     // for a command; 0 is a minute
}

// pick is which of a target's secrets is for the account that it uses.
type pick struct {
	picked  *candidate // nil for none
	skipped []candidate
}

// candidate is a key of a layer that says where a password comes from.
type candidate struct {
	key   string
	value value
	owner string // the account whose password it is; "" for whichever is used
}

// chooseSecret takes the highest secret that may belong to an account on a host: a wrong password can lock one.
func chooseSecret(layers []layer, account, host string) pick {
	var out pick
	keyring, _ := find(layers, "keyring")
	for i, l := range layers {
		names := l.secrets()
		if len(names) == 0 || names[0] == "keyring" && keyring.text != "true" {
			continue
		}
		c := candidate{names[0], l.values[names[0]], owner(layers[i:])}
		if c.key == "keyring" {
			c.inKeyring(l.origin, account, host)
		}
		if c.owner == "" || strings.EqualFold(c.owner, account) {
			out.picked = &c
			break
		}
		out.skipped = append(out.skipped, c)
	}
	return out
}

// owner is the account that a secret of the first of some layers was written for. In a file that is
// the account that the file gives there; a variable is for the one beside it, and for any if there
// is none; a flag is for whichever account is used.
func owner(layers []layer) string {
	switch layers[0].origin.from {
	case fromFlag:
		return ""
	case fromEnvironment:
		layers = layers[:1]
	}
	user, _ := find(layers, "username")
	return user.text
}

// User is the account to log in with. Without one the error is *SecretError.
func (t *Target) User() (string, error) {
	if t.Settings.Username != "" {
		return t.Settings.Username, nil
	}
	return "", &SecretError{
		text: "no user name for " + t.label(),
		hint: "give one with --user, as user@host, or as username in a profile, a credential or defaults",
	}
}

// Password fetches the password of User. It belongs to the caller, and is in no error text.
// The error is *SecretError, which wraps the cause of a done ctx. The sandbox has no password here.
func (t *Target) Password(ctx context.Context, s *Secrets) (string, error) {
	if t.Sandbox {
		return "", &SecretError{text: "the sandbox makes its own password"}
	}
	user, err := t.User()
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if ctx.Err() != nil {
		return "", &SecretError{text: "password for " + user, err: context.Cause(ctx)}
	}
	if t.secret.picked == nil {
		return t.ask(ctx, s, user)
	}
	password, err := t.given(ctx, s, t.secret.picked)
	if errors.Is(err, errNotInKeyring) && s.Prompt != nil {
		return t.ask(ctx, s, user)
	}
	return password, err
}

// given fetches the password of a source, once for all targets.
func (t *Target) given(ctx context.Context, s *Secrets, c *candidate) (string, error) {
	get := func() (string, error) {
		password, err := t.fetch(ctx, s, c)
		if err == nil {
			err = checkPassword(password)
		}
		if err != nil {
			return "", c.failed(err)
		}
		return password, nil
	}
	if !c.value.secret.IsZero() {
		return get()
	}
	return s.once(ctx, c.key+" "+c.value.text, get)
}

// GivesPassword reports that some place gives a password for the user, so that nobody has to be asked.
func (t *Target) GivesPassword() bool { return t.secret.picked != nil }

// PasswordByFlag reports that a flag gives the password.
func (t *Target) PasswordByFlag() bool {
	return t.secret.picked != nil && t.secret.picked.value.origin.from == fromFlag
}

// fetch gets the password from its source.
func (t *Target) fetch(ctx context.Context, s *Secrets, c *candidate) (string, error) {
	switch c.key {
	case "password":
		return c.value.secret.Reveal(), nil
	case "password_stdin":
		return s.firstLine(ctx)
	case "keyring": // which a person may have to unlock
		ctx, cancel := context.WithTimeoutCause(ctx, unlockTime, errLocked)
		defer cancel()
		return await(ctx, func() (string, error) { return s.fromKeyring(c.value.text) })
	case "password_file": // which may be a pipe
		return await(ctx, func() (string, error) { return readSecret(c.value.text) })
	case "password_env":
		password, ok := t.env.Lookup(c.value.text)
		if !ok {
			return "", fmt.Errorf("the variable %s is not set", c.value.text)
		}
		return password, nil
	}
	return s.run(ctx, c.value.text)
}

// unlockTime is how long a person has to unlock a keyring.
const unlockTime = 2 * time.Minute

var errLocked = errors.New("the keyring did not answer within two minutes: is it locked?")

// await leaves a read behind that does not end before ctx does.
func await(ctx context.Context, read func() (string, error)) (string, error) {
	type result struct {
		text string
		err  error
	}
	done := make(chan result, 1)
	go func() {
		text, err := read()
		done <- result{text, err}
	}()
	select {
	case r := <-done:
		return r.text, r.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

// failed names the source, which for a command or a file is its text, never what it gave.
func (c *candidate) failed(err error) error {
	text := fmt.Sprintf("%s (%s)", c.key, c.value.origin)
	if c.value.origin.from == fromFlag {
		text = c.value.origin.name
	}
	if c.value.text != "" {
		text += ": " + show(c.value.text)
	}
	return &SecretError{text: text, err: err, hint: hintOf(err)}
}

// ask is the last resort: a person, once for an account.
func (t *Target) ask(ctx context.Context, s *Secrets, user string) (string, error) {
	if s.Prompt == nil {
		return "", &SecretError{text: fmt.Sprintf("no password for %s on %s", user, t.label()), hint: t.hint(user)}
	}
	return s.once(ctx, "prompt "+strings.ToLower(user), func() (string, error) {
		password, err := s.Prompt(ctx, fmt.Sprintf("Password for %s on %s: ", user, t.label()))
		if err == nil {
			err = checkPassword(password)
		}
		if err != nil {
			return "", &SecretError{text: "password for " + user, err: err}
		}
		return password, nil
	})
}

// hint says how to give a password, or whose password it was that is not used.
func (t *Target) hint(user string) string {
	if len(t.secret.skipped) > 0 {
		c := t.secret.skipped[0]
		return fmt.Sprintf("the one at %s belongs to %s and is not used for %s; use --password-stdin or --password-file",
			c.value.origin, c.owner, user)
	}
	return "use --password-stdin, --password-file, WINRMCTL_PASSWORD, or password_command in the configuration"
}

// label names the target without the user that was typed before it.
func (t *Target) label() string {
	switch {
	case t.Profile != "":
		return t.Profile
	case t.Sandbox:
		return "the sandbox"
	}
	return t.Settings.Host
}

// once remembers what a source gave, also that it failed: not every target should wait for the same
// failure, and a line of stdin is there only once. Being interrupted is not the source's failure.
func (s *Secrets) once(ctx context.Context, source string, fetch func() (string, error)) (string, error) {
	if known, ok := s.known[source]; ok {
		return known()
	}
	password, err := fetch()
	if ctx.Err() == nil {
		if s.known == nil {
			s.known = map[string]func() (string, error){}
		}
		s.known[source] = func() (string, error) { return password, err }
	}
	return password, err
}

// checkPassword refuses what is no password but a slip: sending it would count as a failed login.
func checkPassword(password string) error {
	switch {
	case password == "":
		return errors.New("the password is empty")
	case !utf8.ValidString(password):
		return errors.New("the password is not UTF-8 text")
	case strings.HasPrefix(password, "\ufeff"):
		return errors.New("the password begins with a byte order mark")
	case strings.ContainsAny(password, "\r\n\x00"):
		return errors.New("the password has more than one line")
	}
	return nil
}

// maxSecret is the most that is read of a secret, in bytes.
const maxSecret = 64 << 10

func tooLong() error { return errors.New("the password is longer than 64 KiB") }

// readSecret is the content of a file without the newline at its end.
func readSecret(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", bare(err)
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, maxSecret+1))
	if err == nil && len(data) > maxSecret {
		err = tooLong()
	}
	return chomp(string(data)), bare(err)
}

// firstLine is that of stdin.
func (s *Secrets) firstLine(ctx context.Context) (string, error) {
	if s.Typed && s.Prompt != nil {
		return s.Prompt(ctx, "Password: ")
	}
	return await(ctx, func() (string, error) { return readLine(s.Stdin) })
}

// readLine reads the first line byte by byte: what follows it belongs to someone else.
func readLine(from io.Reader) (string, error) {
	if from == nil {
		return "", errors.New("there is no standard input")
	}
	var line []byte
	one := make([]byte, 1)
	for len(line) <= maxSecret {
		n, err := from.Read(one)
		if n > 0 {
			line = append(line, one[0])
		}
		if n > 0 && one[0] == '\n' || errors.Is(err, io.EOF) {
			return chomp(string(line)), nil
		}
		if err != nil {
			return "", err
		}
	}
	return "", tooLong()
}

// chomp drops one newline, of either kind, from the end.
func chomp(text string) string {
	text, ok := strings.CutSuffix(text, "\n")
	if ok {
		text = strings.TrimSuffix(text, "\r")
	}
	return text
}
