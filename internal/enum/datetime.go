package enum

import (
	"strconv"
	"strings"
	"time"
)

// datetime reads a time in one of the forms that servers write: an xs:dateTime (WinRM), an xs:duration (cim:Interval), or
// the 25 characters of a CIM datetime (DSP0004 5.2.4), which OMI and typed strings have. A time becomes RFC 3339, an
// interval an ISO 8601 duration; what neither form can say (no time zone, parts left open with *) stays as it is.
func datetime(s string) (text string, kind Kind) {
	switch {
	case s == "":
		return "", Null
	case isDMTF(s):
		if s[21] == ':' {
			return dmtfInterval(s), Interval
		}
		return dmtfTime(s), Datetime
	case s[0] == 'P' || s[0] == '-' && strings.HasPrefix(s, "-P"):
		return s, Interval
	}
	return s, Datetime
}

// isDMTF reports whether s has the form yyyymmddHHMMSS.mmmmmmsutc or ddddddddHHMMSS.mmmmmm:000, with * for digits that
// are left open.
func isDMTF(s string) bool {
	if len(s) != 25 || s[14] != '.' || s[21] != '+' && s[21] != '-' && s[21] != ':' {
		return false
	}
	for i := range len(s) {
		if c := s[i]; i != 14 && i != 21 && (c < '0' || c > '9') && (c != '*' || s[21] == ':') {
			return false
		}
	}
	return s[21] != ':' || s[22:] == "000"
}

// dmtfTime turns a time without open parts into RFC 3339, and returns others as they are.
func dmtfTime(s string) string {
	offset, err := strconv.Atoi(s[22:])
	if err != nil {
		return s
	}
	t, err := time.Parse("20060102150405.000000", s[:21])
	if err != nil || offset > 14*60 {
		return s
	}
	zone := "Z"
	if offset != 0 {
		zone = string(s[21]) + twoDigits(offset/60) + ":" + twoDigits(offset%60)
	}
	return t.Format("2006-01-02T15:04:05.999999") + zone
}

func twoDigits(n int) string {
	if n < 10 {
		return "0" + strconv.Itoa(n)
	}
	return strconv.Itoa(n)
}

// dmtfInterval turns an interval into an ISO 8601 duration.
func dmtfInterval(s string) string {
	trim := func(digits string) string {
		if digits = strings.TrimLeft(digits, "0"); digits == "" {
			return "0"
		}
		return digits
	}
	seconds := trim(s[12:14])
	if fraction := strings.TrimRight(s[15:21], "0"); fraction != "" {
		seconds += "." + fraction
	}
	return "P" + trim(s[:8]) + "DT" + trim(s[8:10]) + "H" + trim(s[10:12]) + "M" + seconds + "S"
}
