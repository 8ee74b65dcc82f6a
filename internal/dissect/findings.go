package dissect

import (
	"strings"

	"github.com/winrmctl/winrmctl/internal/auth/ntlm"
)

// sealing is what WinRM needs to encrypt messages (3.4); nothing weaker is used here.
const sealing = ntlm.Sign | ntlm.Seal | ntlm.ExtendedSessionSecurity | ntlm.Negotiate128

// sealingFindings warns of flags that allow no sealed session, which WinRM over http wants by default.
func (t *Token) sealingFindings(v *ntlmView) {
	if missing := sealing &^ v.flags; v.flagged && missing != 0 {
		t.remark(Warning, "cannot-seal", "messages cannot be encrypted with these flags: "+flagNames(missing)+" missing",
			"WinRM over http refuses messages in clear (AllowUnencrypted=false is its default)")
	}
}

// flagNames joins the names of flags without their prefixes.
func flagNames(flags ntlm.Flags) string {
	_, names, _ := strings.Cut(flags.String(), " ")
	return strings.ReplaceAll(names, " ", ", ")
}

func (t *Token) ntlmFindings(v *ntlmView) {
	switch v.kind {
	case ntlm.TypeNegotiate:
		t.negotiateFindings(v)
	case ntlm.TypeChallenge:
		t.challengeFindings(v)
	case ntlm.TypeAuthenticate:
		t.authenticateFindings(v)
	}
}

func (t *Token) negotiateFindings(v *ntlmView) {
	t.sealingFindings(v)
	if v.flagged && !v.flags.Has(ntlm.RequestTarget) {
		t.remark(Info, "no-request-target", "REQUEST_TARGET is not set: some servers then send no TargetInfo, and NTLMv2 needs one", "")
	}
}

func (t *Token) challengeFindings(v *ntlmView) {
	t.sealingFindings(v)
	if v.broken {
		return
	}
	if v.flagged && len(v.targetInfo) == 0 {
		t.remark(Warning, "no-target-info", "the challenge has no TargetInfo: what answers it has no MIC, and no channel bindings", "")
		return
	}
	if _, timed := v.pairs.Timestamp(); v.pairsWhole && !timed {
		t.remark(Info, "no-timestamp", "the challenge has no MsvAvTimestamp, as those of servers before Windows Vista: clients answer with LMv2 and without MIC", "")
	}
}

func (t *Token) authenticateFindings(v *ntlmView) {
	if len(v.raw) < authenticateFixed {
		return
	}
	if v.ntLength == 0 && len(v.lm) <= 1 {
		t.remark(Warning, "anonymous", "there is no response: an anonymous login, which WinRM refuses", "")
		return
	}
	t.sealingFindings(v)
	switch v.responseVersion() {
	case 1:
		t.remark(Warning, "ntlmv1", "the response is NTLMv1: WinRM refuses it", "set LmCompatibilityLevel to 3 or higher on the client, or update what sends this")
	case 2:
		t.bindingFindings(v)
	}
	t.sessionKeyFindings(v)
}

// sessionKeyFindings tells of a session key that is promised, and not there.
func (t *Token) sessionKeyFindings(v *ntlmView) {
	switch {
	case v.broken || !v.flags.Has(ntlm.KeyExchange) || v.flags&(ntlm.Sign|ntlm.Seal) == 0:
	case len(v.sessionKey) != 16:
		t.remark(Warning, "no-session-key", "KEY_EXCH is set, and EncryptedRandomSessionKey is not 16 bytes long: there is no key for a sealed session",
			"send a key of 16 bytes under the KeyExchangeKey (3.1.5.1.2), or leave KEY_EXCH out")
	case allZero(v.sessionKey):
		t.remark(Info, "zero-session-key", "EncryptedRandomSessionKey is zero: it may have been blanked out, and then the MIC cannot be right", "")
	}
}

func (t *Token) bindingFindings(v *ntlmView) {
	bindings, _ := v.pairs.Get(ntlm.AvChannelBindings)
	if v.pairsWhole && allZero(bindings) {
		t.remark(Info, "no-channel-bindings", "there are no channel bindings: a server with CbtHardeningLevel Strict refuses that over https", "")
	}
}

// spnegoFindings tells of a refusal.
func (t *Token) spnegoFindings(m *Message) {
	walk(m.Fields, func(f *Field) {
		if f.Name == "negState" && strings.HasPrefix(f.Value, "2 ") {
			t.remark(Warning, "rejected", "negState is reject: the server refuses the login, or none of the mechanisms suits it", "")
		}
	})
}

// sourceFindings tells what the header around a token means for WinRM.
func (t *Token) sourceFindings() {
	if t.Source.Scheme == "NTLM" {
		t.remark(Info, "ntlm-scheme", "the scheme is NTLM: WinRM offers Negotiate, never this", "")
	}
}

// accountFinding holds the account that the password is said to belong to against the one in the message.
func (x *Exchange) accountFinding(account string) {
	said := ntlm.ParseAccount(account)
	if account == "" || x.authenticate.broken ||
		strings.EqualFold(said.User, x.User) && (said.Local || said.Domain == "" || strings.EqualFold(said.Domain, x.Domain)) {
		return
	}
	x.remark(Warning, "other-account", "the message logs in as "+quote(x.User)+" with the domain "+quote(x.Domain)+", not as "+quote(account),
		"a server looks the account up by the names in the message")
}
