package ansible

import (
	"errors"
	"strings"
)

// words splits a line of an INI inventory as a shell would, by the rules of Python's shlex: quotes and backslashes are
// taken away, and "#" outside of quotes begins a comment.
func words(line string) ([]string, error) {
	var out []string
	var word strings.Builder
	inWord, quote := false, rune(0)
	runes := []rune(line)
	for i := 0; i < len(runes); i++ {
		c := runes[i]
		switch {
		case quote == 0 && strings.ContainsRune(" \t\r\n", c):
			if inWord {
				out, inWord = append(out, word.String()), false
				word.Reset()
			}
		case quote == 0 && c == '#':
			i = len(runes)
		case quote == 0 && (c == '"' || c == '\''):
			quote, inWord = c, true
		case quote != 0 && c == quote:
			quote = 0
		case c == '\\' && quote != '\'':
			if i++; i == len(runes) {
				return nil, errors.New("ends in a backslash")
			}
			if quote == '"' && runes[i] != '"' && runes[i] != '\\' {
				word.WriteRune('\\')
			}
			word.WriteRune(runes[i])
			inWord = true
		default:
			word.WriteRune(c)
			inWord = true
		}
	}
	if quote != 0 {
		return nil, errors.New("has a quote that is not closed")
	}
	if inWord {
		out = append(out, word.String())
	}
	return out, nil
}
