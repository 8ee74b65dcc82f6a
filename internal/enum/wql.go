package enum

import (
	"fmt"
	"strconv"
	"strings"
)

// Select builds a WQL query (MS-WMI 2.2.1) for instances of a class; no properties stand for all, no condition for every
// instance. See [Condition].
func Select(class string, properties []string, condition string) (string, error) {
	for _, name := range append([]string{class}, properties...) {
		if !IsIdentifier(name) {
			return "", &NameError{fmt.Sprintf("%q is no name of a class or property", name)}
		}
	}
	query := "SELECT *"
	if len(properties) > 0 {
		query = "SELECT " + strings.Join(properties, ",")
	}
	query += " FROM " + class
	where, err := Condition(condition)
	if err != nil {
		return "", err
	}
	if where != "" {
		query += " WHERE " + where
	}
	return query, nil
}

// Condition turns a condition that a person wrote into that of a WQL query. Text in quotes is taken as it stands, where WQL would
// read its backslashes as escapes; a quote within it is doubled. A word behind an operator needs no quotes: Name=w32time
// is Name='w32time'. Everything else is WQL already.
func Condition(text string) (string, error) {
	var out strings.Builder
	rest := strings.TrimSpace(text)
	value := false   // an operator came last: a value is due
	literal := false // a value came first, as in 5 < Size: what stands behind the operator is a property
	for rest != "" {
		token, kind, n, err := conditionToken(rest)
		if err != nil {
			return "", err
		}
		spaced := strings.TrimLeft(rest[n:], " \t\r\n")
		switch {
		case kind == tokenText, kind == tokenWord && value && !isLiteral(token):
			out.WriteString(Quote(token))
		default:
			out.WriteString(token)
		}
		if len(spaced) < len(rest)-n {
			out.WriteByte(' ')
		}
		comes := kind == tokenOperator && !literal || kind == tokenWord && (strings.EqualFold(token, "LIKE") || strings.EqualFold(token, "ISA"))
		literal = !value && (kind == tokenText || kind == tokenWord && isLiteral(token))
		value = comes
		rest = spaced
	}
	return out.String(), nil
}

// Quote writes a WQL string literal. A backslash is an escape in it.
func Quote(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

type tokenKind int

const (
	tokenWord tokenKind = iota
	tokenText
	tokenOperator
	tokenParenthesis
)

// conditionToken reads the token that s begins with, and how long that is; a text comes without its quotes.
func conditionToken(s string) (token string, kind tokenKind, n int, err error) {
	switch c := s[0]; c {
	case '\'', '"':
		return quoted(s)
	case '(', ')', ',':
		return s[:1], tokenParenthesis, 1, nil
	case '=', '<', '>', '!':
		n = 1
		if len(s) > 1 && (s[1] == '=' || c == '<' && s[1] == '>') {
			n = 2
		}
		return s[:n], tokenOperator, n, nil
	}
	n = strings.IndexAny(s, " \t\r\n'\"(),=<>!")
	if n < 0 {
		n = len(s)
	}
	return s[:n], tokenWord, n, nil
}

// quoted reads a text between quotes; a quote within it is doubled.
func quoted(s string) (string, tokenKind, int, error) {
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != s[0] {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == s[0] {
			b.WriteByte(s[i])
			i++
			continue
		}
		return b.String(), tokenText, i + 1, nil
	}
	return "", 0, 0, &NameError{fmt.Sprintf("the quote %c in the condition is not closed", s[0])}
}

// isLiteral reports a word that stands for itself in WQL: a number, TRUE, FALSE or NULL.
func isLiteral(word string) bool {
	switch strings.ToUpper(word) {
	case "TRUE", "FALSE", "NULL", "NOT":
		return true
	}
	_, err := strconv.ParseFloat(word, 64)
	return err == nil && strings.Trim(word, "+-.0123456789eE") == ""
}

// ClassOf returns the class that a WQL query selects from, "" where it is no such query. It is no check of the query: that is the
// server's.
func ClassOf(query string) string {
	from := false
	for rest := strings.TrimSpace(query); rest != ""; {
		token, kind, n, err := conditionToken(rest)
		if err != nil {
			return ""
		}
		switch {
		case from && kind == tokenWord && IsIdentifier(token):
			return token
		case from:
			return ""
		}
		from = kind == tokenWord && strings.EqualFold(token, "FROM")
		rest = strings.TrimLeft(rest[n:], " \t\r\n")
	}
	return ""
}
