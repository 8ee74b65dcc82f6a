package config

import "context"

// Given fetches a password that a flag gives, for a command that has no target: the first line of stdin, or a file. ok is
// false where neither is asked for. The error is *SecretError, which wraps the cause of a done ctx.
func (s *Secrets) Given(ctx context.Context, stdin bool, file string) (password string, ok bool, err error) {
	var source string
	var read func() (string, error)
	switch {
	case stdin:
		source, read = "--password-stdin", func() (string, error) { return readLine(s.Stdin) }
	case file != "":
		source, read = "--password-file: "+show(file), func() (string, error) { return readSecret(file) }
	default:
		return "", false, nil
	}
	if password, err = await(ctx, read); err == nil {
		err = checkPassword(password)
	}
	if err != nil {
		return "", false, &SecretError{text: source, err: err}
	}
	return password, true, nil
}
