"""Asks Ansible's own plugins winrm and psrp how they would connect to the hosts of an inventory, and prints that as JSON.

It needs ansible-core and pywinrm. Variables that the importer leaves out with a warning are left out here, too: passwords,
vaulted values, expressions, and what the plugins themselves refuse.
"""

import json
import sys
import types

psrp = {name: types.ModuleType(name) for name in (
    "pypsrp", "pypsrp.complex_objects", "pypsrp.exceptions", "pypsrp.host", "pypsrp.powershell", "pypsrp.wsman")}
for module, names in {
    "pypsrp.complex_objects": "GenericComplexObject PSInvocationState RunspacePoolState",
    "pypsrp.exceptions": "AuthenticationError WinRMError",
    "pypsrp.host": "PSHost PSHostUserInterface",
    "pypsrp.powershell": "PowerShell RunspacePool",
    "pypsrp.wsman": "WSMan",
}.items():
    for name in names.split():
        setattr(psrp[module], name, type(name, (), {}))
psrp["pypsrp.wsman"].AUTH_KWARGS = {}  # the names that the library takes beside those of the plugin: only warnings follow
sys.modules.update(psrp)

from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.parsing.yaml.objects import AnsibleVaultEncryptedUnicode
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader
from ansible.vars.manager import VariableManager
from ansible import constants
import winrm

TRANSPORTS = set(winrm.FEATURE_SUPPORTED_AUTHTYPES)


class Loader(DataLoader):
    """Reads files that ansible-vault has encrypted as empty ones."""

    def _decrypt_if_vault_data(self, data, *names, **others):
        return (b"{}", False) if data.startswith(b"$ANSIBLE_VAULT;") else (data, True)


def evaluable(name, value):
    if isinstance(value, AnsibleVaultEncryptedUnicode) or "pass" in name:
        return False
    if name == "ansible_winrm_scheme" and value not in ("http", "https"):
        return False
    if name == "ansible_winrm_transport":
        names = value if isinstance(value, list) else str(value).split(",")
        return set(n.strip() for n in names) <= TRANSPORTS
    return "{{" not in str(value) or type(value).__name__ == "AnsibleUnsafeText"


def ask(host, variables):
    variables = {k: v for k, v in variables.items() if evaluable(k, v)}
    plugin = (variables.get("ansible_connection") or "winrm").split(".")[-1]
    if plugin not in ("winrm", "psrp"):
        return None
    connection = connection_loader.get(plugin, PlayContext(), "/dev/null")
    known = constants.config.get_plugin_vars("connection", plugin)
    options = {k: v for k, v in variables.items() if k in known}
    options["_extras"] = {k: v for k, v in variables.items() if k.startswith("ansible_%s_" % plugin) and k not in options}
    connection.set_options(var_options=options)
    if plugin == "winrm":
        connection._build_winrm_kwargs()
        extras = connection._winrm_kwargs
        timeout = connection._winrm_connection_timeout or extras.get("operation_timeout_sec")
        return {
            "host": connection._winrm_host, "port": connection._winrm_port, "https": connection._winrm_scheme == "https",
            "path": connection._winrm_path, "user": connection._winrm_user, "auth": connection.get_option("transport"),
            "insecure": extras.get("server_cert_validation") == "ignore", "ca": extras.get("ca_trust_path"),
            "cert": extras.get("cert_pem"), "key": extras.get("cert_key_pem"),
            "encryption": extras.get("message_encryption"), "proxy": variables.get("ansible_winrm_proxy"),  # which older pywinrm does not know
            "operation_timeout": timeout and int(timeout), "connect_timeout": None,
        }
    connection._build_kwargs()
    extras = connection._psrp_conn_kwargs
    given = lambda name: extras[name] if "ansible_psrp_" + name in variables else None
    return {
        "host": extras["server"], "port": extras["port"], "https": extras["ssl"], "path": extras["path"], "user": extras["username"],
        "auth": [extras["auth"]], "insecure": extras["cert_validation"] is False,
        "ca": extras["cert_validation"] if isinstance(extras["cert_validation"], str) else None,
        "cert": extras["certificate_pem"], "key": extras["certificate_key_pem"], "encryption": extras["encryption"],
        "proxy": extras["proxy"], "operation_timeout": given("operation_timeout"), "connect_timeout": given("connection_timeout"),
    }


def main():
    loader = Loader()
    inventory = InventoryManager(loader=loader, sources=[sys.argv[1]])
    manager = VariableManager(loader=loader, inventory=inventory)
    hosts = {}
    for host in inventory.get_hosts("all"):
        answer = ask(host, manager.get_vars(host=host))
        if answer:
            answer["connection"] = manager.get_vars(host=host).get("ansible_connection")
            answer["groups"] = sorted(g.name for g in host.get_groups() if g.name != "ungrouped")
            hosts[host.name] = answer
    json.dump(hosts, sys.stdout, indent=2, sort_keys=True)
    print()


main()
