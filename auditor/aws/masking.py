"""Replaces what says whose account a tape is of: account ids, names, tags, addresses; the same always by the same.

Joins still hold on a masked tape, because a name becomes the same token wherever it stands: in a field, an ARN, a policy, a
metric's dimension, a host's name. What AWS calls things (types, regions, actions, its own policies, opaque ids) stays.
"""

import csv
import hmac
import io
import ipaddress
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote, unquote

__all__ = ["Mask"]

_ACCOUNT = re.compile(r"(?<![\d.a-f-])\d{12}(?![\d.a-f])")
_ARN = re.compile(r"\barn:(aws[a-z-]*):([a-z0-9-]*):([a-z0-9-]*):(\d{12}|aws|\*|):([^\s\"',;|]+)")
_IPV4 = re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?(?![\d.])")
_IPV6 = re.compile(r"(?<![\w:.])(?:[0-9a-fA-F]{0,4}:){2,7}[0-9a-fA-F]{0,4}(?:/\d{1,3})?(?![\w:])")
_DASHED = re.compile(r"\b(ip|ec2)-(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\b")
_MAIL = re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_HOST = re.compile(r"(?<![\w.*-])[\w*-]+(?:\.[\w-]+)*\.(?:amazonaws\.com(?:\.cn)?|cloudfront\.net|compute\.internal)\b")
_SPECIAL = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("2001::/23"))
"""Networks of IANA's special-purpose registries in which single addresses are of another kind than those beside them."""
_REGION = re.compile(r"[a-z]{2,3}(-[a-z]+)+-\d[a-z]?$")
_OPAQUE = re.compile(
    r"^(?:[a-z]+(?:-[a-z]+)?-[0-9a-f]{8,}|[0-9a-f]{12,}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?:db|cluster|prx)-[A-Z0-9]{8,}"
    r"|A(?:IDA|ROA|GPA|NPA|NVA|PKA|SCA|IPA)[A-Z0-9]{12,}|q\d+|\d{1,11}|\$\w+|v\d+|\*|-|)$"
)
_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")
_OF_AWS = re.compile(
    r"^(?:default$|default[.:-]|aws[-/:.]|alias/aws/|AWS|Amazon[A-Z]|amazon$|aws$|FARGATE|<root_account>$|root$)"
)
# Segments of ARNs and of names with slashes that are AWS's words.
_WORDS_OF_AWS = """
accesskey alarm alias app application assumed-role audit auto automated autoscaling autoScalingGroup
autoScalingGroupName backup-plan backup-vault capacity-provider cluster cluster-pg cluster-snapshot compute-
environment container-instance db db-proxy delivery-source distribution ebs ec2 ecs elasticloadbalancing endpoint
error es event event-bus experiment experiment-template file-system function general global global-cluster group gwy
hostedzone iam-db-auth-error image instance instance-profile instance-type ipset job key lambda launch-template
launchConfiguration launchConfigurationName listener listener-rule loadbalancer log-group log-stream metric mfa net
network-interface og oidc-provider orderable-option pg policy policyName postgresql prefix-list project rds recovery-
point regional resource ri role root rule saml-provider scalableDimension scalableTarget scalingPolicy scheduledAction
scheduledActionName scheduledUpdateGroupAction secgrp secret security-group server-certificate service service-role
slowquery snapshot source-server stack sts subgrp subnet table target target-group targetgroup task task-definition
topic trace trail upgrade user volume vpc vpc-flow-log webacl
"""
_WORDS = frozenset(_WORDS_OF_AWS.split())
_NAMED = re.compile(
    r"(?:Name|Names|Identifier|Identifiers|Id|Ids|Alias|Aliases|UserName|KeyName|Arn|ARN|Arns|ARNs|Path|Prefix|Bucket|Owner"
    r"|GroupList|Address|Endpoint|Url|Hostname|clusterArn|cluster|services|arn|name|names)$"
)
# Names that no ending tells, or that are called like one of AWS's own; below lists of Items and Values by what these are of.
_NAMES_TOO = """
AliasesItems CNAME DBClusterParameterGroup DBSubnetGroup Database DbUser DeliveryStream Domain FQDN Host
HostHeaderConfigValues IamInstanceProfile ImageLocation JobDefinition LogGroup OU PlacementGroup ResourceLabel
ResourceRecordsValue Role SourceIdsList UserPoolDomain WorkingDirectory Handler capacityProvider capacityProviders
clusters domain ec2KeyPair fqdn location owner placementGroup projects projectsNotFound serviceName serviceRole
spotIamFleetRole taskDefinition url
"""
_NAMED_TOO = frozenset(_NAMES_TOO.split())
_OF_ALL = re.compile(
    r"(?i)^(?:region|zone|availabilityzone|metric|event|parameter|attribute|engine|service|platform|option|feature|source"
    r"(?:engine)|statistic|recommendation|finding|action|policytype|predefined.*|.*(?:version|type|class|state|status|mode|zone"
    r"|metric|option|parameter|attribute|engine|platform|timezone|caidentifier|ownername|device))(?:names?|ids?|identifiers?)?$"
)
_PROSE = re.compile(
    r"(?i)^(?:(?:group|alarm|version|dbparametergroup|dbsubnetgroup)?description|comment|cause|buildspec|command|entrypoint"
    r"|messagebody|certificate|certificatebody|clusterpublickey|regexstring|searchstring)$"
)
# A copy of a snapshot is known by it.
_PROSE_OF_AWS = re.compile(r"^\[Copied snap-[0-9a-f]+ from [a-z0-9-]+\] ?")
_TAGS = re.compile(r"(?i)^(?:tag|\w*tags(?:items)?|taglist|tagset|tagstoadd)$")
# Tags that checks and people's words compare with, and that name nobody.
_PLAIN_TAGS = """
confidential critical demo dev development false high internal legacy low medium no none prod production public
restricted sandbox stage staging test testing true yes
"""
_KEPT_TAGS = frozenset(_PLAIN_TAGS.split())
_PUBLIC = frozenset({"pricing"})
"""Services whose answers are the same for everybody."""
_REPORT = "user,arn,"


class Mask:
    """One consistent replacement. The key is drawn anew for each tape and kept nowhere: nothing can be turned back."""

    def __init__(self, words: Iterable[str] = (), key: bytes | None = None) -> None:
        """WORDS are values of tags that stay, because the standard speaks of them; KEY ``None``: a new one."""
        self._key = key or secrets.token_bytes(32)
        self._words = _KEPT_TAGS | {word.lower() for word in words}
        self._known: dict[tuple[str, str], str] = {}
        self._names: set[str] = set()

    def line(self, line: Mapping[str, Any]) -> dict[str, Any]:
        """Return a tape's line, masked."""
        if line["service"] in _PUBLIC:
            return dict(line)
        masked = {**line, "params": self._asked(line["params"])}
        if "answer" in line:
            masked["answer"] = self._value(line["answer"], "")
        if "error" in line:
            error = dict(line["error"])
            message = str(error["message"])
            for text, token in _pairs(line["params"], masked["params"]):
                message = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", lambda _, token=token: token, message)  # type: ignore[misc]
            masked["error"] = {**error, "message": self.text(message)}
        return masked

    def _asked(self, value: Any) -> Any:
        """Return arguments, masked: what is asked by came out of an answer before, or is a word of AWS's."""
        if isinstance(value, Mapping):
            return {key: self._asked(item) for key, item in value.items()}
        if isinstance(value, list | tuple):
            return [self._asked(item) for item in value]
        if not isinstance(value, str):
            return value
        masked = self.text(value)
        if masked != value or _OF_AWS.match(value):
            return masked
        if value in self._names:
            return self.name(value)
        parts = re.split(r"([/:,|])", value)
        return "".join(
            self._segment(part) if number % 2 == 0 and part in self._names else part
            for number, part in enumerate(parts)
        )

    # ---- values ------------------------------------------------------------------------------------------------------

    def _value(self, value: Any, name: str) -> Any:
        if isinstance(value, Mapping):
            return self._object(value, name)
        if isinstance(value, list | tuple):
            return [self._value(item, name) for item in value]
        return self._member(value, name) if isinstance(value, str) else value

    def _object(self, value: Mapping[str, Any], name: str) -> dict[str, Any]:
        if _TAGS.match(name):
            return self._tag(value)
        paired = "Name" in value and ("Value" in value or "Values" in value)
        made: dict[str, Any] = {}
        for key, item in value.items():
            if paired and key == "Name":
                made[key] = item
            elif paired and key == "Value" and name == "Dimensions" and isinstance(item, str):
                made[key] = self.name(item)
            else:
                below = key in ("Items", "Values") or (key == "Value" and name == "ResourceRecords")
                made[self.text(key)] = self._value(item, f"{name}{key}" if below else key)
        return made

    def _tag(self, tag: Mapping[str, Any]) -> dict[str, Any]:
        """Return a tag (or a map of tags): its key stays, its value goes."""
        held = next((name for name in ("Value", "value", "TagValue") if name in tag), "")
        if held:
            return {
                name: self._tag_value(item) if name == held else self._value(item, name) for name, item in tag.items()
            }
        return {
            key: self._tag_value(item) if isinstance(item, str) else self._value(item, f"Tags{key}")
            for key, item in tag.items()
        }

    def _tag_value(self, value: Any) -> Any:
        if not isinstance(value, str) or value.lower() in self._words:
            return value
        return self.text(value) if value.startswith("arn:") else self.name(value)

    def _member(self, text: str, name: str) -> str:
        if text.startswith("{"):
            return self._document(text)
        if text.startswith("%7B"):
            return quote(self._document(unquote(text)), errors="surrogatepass")
        if text.startswith(_REPORT):
            return self._report(text)
        if _PROSE.match(name):
            own = _PROSE_OF_AWS.match(text)
            ours, rest = (own[0], text[own.end() :]) if own else ("", text)
            return f"{ours}masked text {self._token('prose', rest)}" if rest else text
        masked = self.text(text)
        named = name in _NAMED_TOO or (_NAMED.search(name) and not _OF_ALL.match(name))
        if masked == text and named and not _HOST.search(text):
            return self.name(text)
        return masked

    def _document(self, text: str) -> str:
        """Return JSON within a text, masked as what it is."""
        try:
            return json.dumps(self._value(json.loads(text), ""))
        except RecursionError:
            return f"masked text {self._token('prose', text)}"
        except ValueError:
            return self.text(text)

    def _report(self, text: str) -> str:
        """Return a credential report, its users masked."""
        try:
            rows = list(csv.reader(io.StringIO(text)))
        except csv.Error:
            return f"masked text {self._token('prose', text)}"
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(rows[0])
        for row in rows[1:]:
            writer.writerow([self.name(cell) if number == 0 else self.text(cell) for number, cell in enumerate(row)])
        return out.getvalue().rstrip("\n")

    # ---- texts -------------------------------------------------------------------------------------------------------

    def text(self, text: str) -> str:
        """Return TEXT with what can be told by its form replaced: ARNs, account ids, addresses, hosts, mail, key ids."""
        made, end = [], 0
        for found in _ARN.finditer(text):
            made += [self._loose(text[end : found.start()]), self._arn(*found.groups())]
            end = found.end()
        return "".join([*made, self._loose(text[end:])])

    def _loose(self, text: str) -> str:
        """Return a text without ARNs, masked."""
        if not text:
            return text
        text = _MAIL.sub(lambda found: f"{self._token('mail', found[0])}@example.com", text)
        text = _HOST.sub(lambda found: self._host(found[0]), text)
        text = _DASHED.sub(
            lambda found: f"{found[1]}-" + self._address(".".join(found.groups()[1:])).replace(".", "-"), text
        )
        text = _IPV4.sub(lambda found: self._address(found[0]), text)
        text = _IPV6.sub(lambda found: self._address(found[0]), text)
        text = _KEY_ID.sub(lambda found: found[0][:4] + self._token("key", found[0], 16).upper(), text)
        return _ACCOUNT.sub(lambda found: self._account(found[0]), text)

    def name(self, text: str) -> str:
        """Return a name as its token, segment by segment; AWS's own words stay."""
        if _OF_AWS.match(text):
            return text
        self._names.add(text)
        return "".join(
            part if number % 2 else self._segment(part) for number, part in enumerate(re.split(r"([/:,|])", text))
        )

    def _segment(self, part: str) -> str:
        if part in _WORDS or _OPAQUE.match(part) or _OF_AWS.match(part) or _REGION.match(part):
            return part
        if part.startswith("m-") or "${" in part:
            return part
        if "*" in part or "?" in part:
            return "".join(bit if bit in ("*", "?") else self._segment(bit) for bit in re.split(r"([*?])", part))
        if _ACCOUNT.fullmatch(part):
            return self._account(part)
        self._names.add(part)
        return f"m-{self._token('name', part)}"

    def _arn(self, partition: str, service: str, region: str, account: str, resource: str) -> str:
        if account == "aws":
            return f"arn:{partition}:{service}:{region}:{account}:{resource}"
        owner = self._account(account) if account.isdigit() else account
        return f"arn:{partition}:{service}:{region}:{owner}:{self.name(resource)}"

    def _account(self, number: str) -> str:
        return f"{int(self._digest('account', number)[:16], 16) % 10**12:012d}"

    def _host(self, host: str) -> str:
        labels = host.split(".")
        masked: list[str] = []
        for place, label in enumerate(labels):
            if _REGION.match(label) or len(labels) - place <= 2:
                return ".".join([*masked, *labels[place:]])
            masked.append(label if label in _WORDS or _DASHED.match(label) else self._segment(label))
        return ".".join(masked)

    def _address(self, text: str) -> str:
        """Return another address (or network) of the same kind: what lies within what, and what is public, stays."""
        bare, slash, length = text.partition("/")
        try:
            address = ipaddress.ip_address(bare)
            bits = int(length) if slash else address.max_prefixlen
        except ValueError:
            return text
        # One of the public ones; those of private and of special networks say nothing of whose they are.
        if not address.is_global or bits > address.max_prefixlen or any(address in special for special in _SPECIAL):
            return text
        # Within these first bits lie special networks beside public ones: they stay, and with them what kind it is.
        mixed = address.version == 6 or bare.partition(".")[0] in ("100", "169", "172", "192", "198", "203")
        kept = (48 if address.version == 6 else 24) if mixed else 8
        number, made = int(address), int(address) >> (address.max_prefixlen - min(kept, bits))
        for place in range(min(kept, bits), bits):
            above = f"{address.version}:{place}:{number >> (address.max_prefixlen - place)}"
            flip = int(self._digest("bit", above)[0], 16) & 1
            made = (made << 1) | (((number >> (address.max_prefixlen - place - 1)) & 1) ^ flip)
        made <<= address.max_prefixlen - bits
        kind = ipaddress.IPv4Address if address.version == 4 else ipaddress.IPv6Address
        return f"{kind(made)}{slash}{length}"

    # ---- tokens ------------------------------------------------------------------------------------------------------

    def _token(self, kind: str, text: str, length: int = 10) -> str:
        found = self._known.get((kind, text))
        if found is None:
            found = self._known[kind, text] = self._digest(kind, text)[:length]
        return found

    def _digest(self, kind: str, text: str) -> str:
        return hmac.new(self._key, f"{kind}\0{text}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def _pairs(before: Any, after: Any) -> list[tuple[str, str]]:
    """Return the texts that were replaced, with what they became; the longest first."""
    found: dict[str, str] = {}

    def walk(one: Any, other: Any) -> None:
        if isinstance(one, Mapping) and isinstance(other, Mapping):
            for name in one.keys() & other.keys():
                walk(one[name], other[name])
        elif isinstance(one, list | tuple) and isinstance(other, list):
            for pair in zip(one, other, strict=False):
                walk(*pair)
        elif isinstance(one, str) and isinstance(other, str) and one != other and one:
            found[one] = other

    walk(before, after)
    return sorted(found.items(), key=lambda pair: -len(pair[0]))
