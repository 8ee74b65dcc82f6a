package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// readJSON makes the tree of a JSON file; nil when the file is empty or wrong.
func readJSON(data []byte, r *report) *node {
	if len(bytes.TrimSpace(data)) == 0 {
		return nil
	}
	j := jsonTree{grower{report: r}, json.NewDecoder(bytes.NewReader(data)), newLines(data)}
	j.decoder.UseNumber()
	tree, err := j.value("", 0)
	if j.stop {
		return nil
	}
	if err == nil {
		if _, more := j.decoder.Token(); errors.Is(more, io.EOF) {
			return tree
		}
		err = errors.New("more follows the end of the value")
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	r.add(j.line(err), "", "not JSON: "+err.Error(), "")
	return nil
}

// jsonTree reads token by token, because only so does the library tell where it is.
type jsonTree struct {
	grower
	decoder *json.Decoder
	lines   lines
}

func (j *jsonTree) line(err error) int {
	at := j.decoder.InputOffset()
	var syntax *json.SyntaxError
	if errors.As(err, &syntax) {
		at = max(at, syntax.Offset)
	}
	return j.lines.at(int(at) - 1)
}

func (j *jsonTree) value(path string, depth int) (*node, error) {
	token, err := j.decoder.Token()
	if err != nil {
		return nil, err
	}
	out := &node{shape: scalar, line: j.line(nil)}
	if !j.grow(depth, out.line) {
		return nil, io.ErrShortBuffer // said already
	}
	switch token := token.(type) {
	case nil:
		out.shape = nothing
	case string:
		out.text = token
	case json.Number:
		out.text = token.String()
	case bool:
		out.text = map[bool]string{true: "true", false: "false"}[token]
	case json.Delim:
		if token == '[' {
			return out, j.list(out, path, depth)
		}
		return out, j.table(out, path, depth)
	}
	return out, nil
}

func (j *jsonTree) list(out *node, path string, depth int) error {
	out.shape = list
	for j.decoder.More() {
		item, err := j.value(path, depth+1)
		if err != nil {
			return err
		}
		out.items = append(out.items, item)
	}
	_, err := j.decoder.Token()
	return err
}

func (j *jsonTree) table(out *node, path string, depth int) error {
	out.shape = table
	for j.decoder.More() {
		token, err := j.decoder.Token()
		if err != nil {
			return err
		}
		name, _ := token.(string) // the decoder takes nothing else for a key
		line := j.line(nil)
		value, err := j.value(join(path, name), depth+1)
		if err != nil {
			return err
		}
		j.put(out, path, field{name: name, line: line, value: value})
	}
	_, err := j.decoder.Token()
	return err
}
