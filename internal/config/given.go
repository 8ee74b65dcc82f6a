package config

import "context"

// Given fetches a password that a flag gives, for a command that has no target: the first line of stdin, or a file. ok is
// false where neither is asked for. The error is *SecretError, which wraps the cause of a done ctx.
func (s *Secrets) Given(ctx context.Context, stdin bool, file string) (password string, ok bool, err error) {
	var source string
	switch {
	case stdin:
		source = "--password-stdin"
		password, err = s.firstLine(ctx)
	case file != "":
		source = "--password-file: " + show(file)
		password, err = await(ctx, func() (string, error) { return readSecret(file) })
	default:
		return "", false, nil
	}
	if err == nil {
		err = checkPassword(password)
	}
	if err != nil {
		return "", false, &SecretError{text: source, err: err}
	}
	return password, true, nil
}
