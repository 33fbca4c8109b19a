"""The certificates of an installation: a root that it makes for itself, and a leaf that signs.

The profile of the leaf is that of C2PA 2.2, section 14.5: ES256, digitalSignature, extended use emailProtection.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from avatarium.engine.assets.lock import locked
from avatarium.errors import AssetError, OutputError

ORGANISATION = "Avatarium"
ROOT_NAME, LEAF_NAME = "Avatarium installation root", "Avatarium signer"
_ROOT_LIFE = timedelta(days=30 * 365)
_LEAF_LIFE = timedelta(days=10 * 365)
_LEAST_LEFT = timedelta(days=5 * 365)
"""Without a time stamp authority a signature can be checked only while its certificate lasts: each lasts so long."""
_CLOCK_SLACK = timedelta(days=1)
_LOCK_TIMEOUT_S = 30.0
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """A key and its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        """The certificate, for others."""
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        """The key, PKCS 8, not encrypted."""
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())

    def lasts(self, now: datetime) -> bool:
        """Whether what is signed now can be checked long enough."""
        return self.certificate.not_valid_after_utc - now >= _LEAST_LEFT


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Chain:
    """What signs, and whom it can be traced to."""

    root: Pair
    leaf: Pair


def open_chain(folder: Path, now: datetime | None = None) -> Chain:
    """The certificates in a folder, made where they are missing and renewed five years before they end.

    Several processes may open one folder at once: one makes, the others read. Keys are readable by their owner alone.
    ``roots/`` keeps the certificates of all roots there ever were, for checking and for handing out.

    Raises:
        OutputError: ``credentials_folder`` (it cannot be read or written), ``credentials_damaged`` or
            ``credentials_locked``.
    """
    now = now or datetime.now(UTC)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(folder / ".lock", timeout_s=_LOCK_TIMEOUT_S):
            return _opened(folder, now)
    except OSError as problem:
        raise OutputError(
            f"The signing keys in {folder} cannot be read or written: {problem.strerror or problem}. "
            "Change its permissions or choose another folder.",
            code="credentials_folder",
        ) from problem
    except AssetError as problem:
        raise OutputError(
            f"Another process holds the signing keys in {folder}. End it, then try again.", code="credentials_locked"
        ) from problem


def anchors(folder: Path) -> str:
    """The certificates of all roots of an installation, PEM one after the other; empty where there is none."""
    return "".join(path.read_text() for path in sorted(folder.glob("roots/*.pem")))


def _opened(folder: Path, now: datetime) -> Chain:
    root = _read(folder / "root.pem")
    if root is None or not root.lasts(now):
        root = _make_root(now)
        _write(folder / "root.pem", root)
        leaf = None
    else:
        leaf = _read(folder / "leaf.pem")
    _publish(folder / "roots", root)
    if leaf is None or not leaf.lasts(now) or leaf.certificate.issuer != root.certificate.subject:
        leaf = _make_leaf(root, now)
        _write(folder / "leaf.pem", leaf)
    return Chain(root=root, leaf=leaf)


def _read(path: Path) -> Pair | None:
    if not path.exists():
        return None
    content = path.read_bytes()
    try:
        key, certificate = load_pem_private_key(content, None), x509.load_pem_x509_certificate(content)
    except (ValueError, TypeError) as problem:
        raise _damaged(path) from problem
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.public_key() != certificate.public_key():
        raise _damaged(path)
    return Pair(key=key, certificate=certificate)


def _damaged(path: Path) -> OutputError:
    return OutputError(
        f"The signing key in {path} is damaged. Put it back from a backup, or remove it to have a new one made.",
        code="credentials_damaged",
    )


def _write(path: Path, pair: Pair) -> None:
    _place(path, pair.key_pem + pair.certificate_pem, mode=0o600)


def _publish(roots: Path, root: Pair) -> None:
    roots.mkdir(mode=0o755, exist_ok=True)
    path = roots / f"{root.certificate.fingerprint(hashes.SHA256()).hex()[:16]}.pem"
    if not path.exists():
        _place(path, root.certificate_pem, mode=0o644)


def _place(path: Path, content: bytes, *, mode: int) -> None:
    part = path.parent / f".{secrets.token_hex(8)}.part"
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, mode), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def _make_root(now: datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    # The serial number in the name tells the roots of two installations apart.
    name = _name(f"{ROOT_NAME} {secrets.token_hex(4)}")
    builder = _builder(name, name, key, now, _ROOT_LIFE)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage("key_cert_sign", "crl_sign"), critical=True)
    return Pair(key=key, certificate=builder.sign(key, hashes.SHA256()))


def _make_leaf(root: Pair, now: datetime) -> Pair:
    key = ec.generate_private_key(ec.SECP256R1())
    life = min(_LEAF_LIFE, root.certificate.not_valid_after_utc - now)
    builder = _builder(_name(LEAF_NAME), root.certificate.subject, key, now, life)
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(root.key.public_key())
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage("digital_signature"), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=True)
    builder = builder.add_extension(issuer, critical=False)
    return Pair(key=key, certificate=builder.sign(root.key, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SLACK)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COMMON_NAME, common),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, ORGANISATION),
        ]
    )


def _usage(*wanted: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in wanted for usage in _USAGES})
