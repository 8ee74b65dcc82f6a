package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/winrmctl/winrmctl/internal/dissect"
)

// maxTokenInput bounds what is read of a file or of stdin, in bytes.
const maxTokenInput = 16 << 20

// tokens finds the tokens in an argument, in the file that it names, or in stdin; origin is the flag that it came by, "" for
// none. No error repeats the argument: it may be a secret.
func (o *decodeOptions) tokens(ctx context.Context, argument, origin string) ([]*dissect.Token, error) {
	what := origin
	if what == "" {
		what = "the argument"
	}
	if argument == "-" {
		return readTokens(ctx, o.app.stdin, "stdin", origin)
	}
	if tokens, err := dissect.Find([]byte(argument), origin); err == nil {
		return tokens, nil
	}
	f, err := os.Open(argument)
	if err != nil {
		return nil, &usageError{what + " is neither a token nor a file that can be read", acceptedForms}
	}
	defer f.Close()
	return readTokens(ctx, f, "the file", origin)
}

// readTokens reads all of r. What has not come when ctx ends is left behind.
func readTokens(ctx context.Context, r io.Reader, what, origin string) ([]*dissect.Token, error) {
	type result struct {
		input []byte
		err   error
	}
	done := make(chan result, 1)
	go func() {
		input, err := io.ReadAll(io.LimitReader(r, maxTokenInput+1))
		done <- result{input, err}
	}()
	var got result
	select {
	case got = <-done:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	switch {
	case got.err != nil:
		return nil, &usageError{fmt.Sprintf("%s cannot be read: %v", what, got.err), ""}
	case len(got.input) > maxTokenInput:
		return nil, &usageError{what + " is larger than 16 MiB", "give the lines with the tokens"}
	}
	tokens, err := dissect.Find(got.input, origin)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("%v in %s", err, what), acceptedForms}
	}
	return tokens, nil
}

// message finds the message that a flag gives; nil where it is not given.
func (o *decodeOptions) message(ctx context.Context, name, argument string) (*dissect.Token, error) {
	if argument == "" {
		return nil, nil
	}
	flag, kind := "--"+name, strings.ToUpper(name)+"_MESSAGE"
	if argument == "-" {
		return nil, &usageError{flag + " cannot be read from stdin", "give a token or a file"}
	}
	tokens, err := o.tokens(ctx, argument, flag)
	if err != nil {
		return nil, err
	}
	if t := dissect.Last(tokens, kind); t != nil {
		return t, nil
	}
	return nil, &usageError{fmt.Sprintf("%s holds no %s, but: %s", flag, kind, tokens[0].Name()), ""}
}
