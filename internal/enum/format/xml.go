package format

import (
	"bytes"
	"encoding/xml"

	"github.com/winrmctl/winrmctl/internal/enum"
)

// xmlWriter writes items as they were received, in one root element; with several targets each in an element that names its own.
type xmlWriter struct {
	out  *output
	o    Options
	some bool
}

func (w *xmlWriter) start() {
	if !w.some {
		w.out.b = append(w.out.b, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<items>\n"...)
	}
	w.some = true
}

func (w *xmlWriter) Item(target string, item *enum.Item) error {
	w.start()
	if w.o.Targets {
		var name bytes.Buffer
		_ = xml.EscapeText(&name, []byte(target)) // a bytes.Buffer never fails
		w.out.b = append(append(append(w.out.b, `<item target="`...), name.Bytes()...), `">`...)
	}
	w.out.b = append(w.out.b, item.XML...)
	if w.o.Targets {
		w.out.b = append(w.out.b, "</item>"...)
	}
	w.out.b = append(w.out.b, '\n')
	return w.out.spill()
}

func (w *xmlWriter) Flush() error { return w.out.flush() }

func (w *xmlWriter) Close() error {
	w.start()
	w.out.b = append(w.out.b, "</items>\n"...)
	return w.out.flush()
}
