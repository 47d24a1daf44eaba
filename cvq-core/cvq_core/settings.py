"""Settings of the server: a TOML file, and the environment above it (`CVQ_` before the name)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AnyHttpUrl, Field, SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from cvq_core.agents.directory_rules import StaffDirectory
from cvq_core.database import async_url
from cvq_core.invoice_papers.paper import Issuer
from cvq_core.invoice_papers.proximity import Codes
from cvq_core.particulier.rules import is_siret
from cvq_core.settings_file import FileSettings, is_loopback


class Settings(FileSettings):
    """Everything that an operator may set. `docs/operator.md` lists it with examples."""

    model_config = SettingsConfigDict(env_prefix="CVQ_", extra="forbid", frozen=True)
    default_file = "/etc/cvq/cvq.toml"
    # Read by the booth's agent, the encoder and a site's controller, and by what stands in for printer and card reader.
    others = ("CVQ_BOOTH_", "CVQ_ENCODER_", "CVQ_READER_", "CVQ_PRINTER_DIR", "CVQ_PCSCD_DIR")

    database_url: str = "sqlite:///var/cvq.sqlite"
    database_pool_size: int = Field(default=10, ge=1, le=200)
    data_dir: Path = Path("var")
    listen_host: str = "127.0.0.1"
    listen_port: int = Field(default=8080, ge=0, le=65535)
    public_url: AnyHttpUrl = AnyHttpUrl("http://127.0.0.1:8080")
    trusted_proxy: str | None = Field(default=None, description="address of the reverse proxy that ends TLS")
    master_key_file: Path | None = Field(default=None, description="32 bytes that wrap the documents' keys")
    session_idle_minutes: int = Field(default=60, ge=5, le=720)
    session_hours_max: int = Field(default=12, ge=1, le=24)
    login_attempts: int = Field(default=5, ge=1, description="wrong passwords in five minutes, an account or address")
    ice_servers: list[dict[str, Any]] = Field(default_factory=list)
    smtp_url: str | None = Field(default=None, description="smtp://[user:password@]host:port; without it, no e-mail")
    mail_from: str = "guichet@localhost"
    card_years: int = Field(default=12, ge=1, le=30, description="how long a card that is made is good for")
    pkcs11_module: Path | None = Field(
        default=None, description="library of the HSM with the cards' keys; without it, no card can prove itself"
    )
    pkcs11_label: str = Field(default="cvq", description="label of the HSM's token")
    pkcs11_pin_file: Path | None = Field(default=None, description="holds the PIN of the HSM's token")
    payfip_client: str | None = Field(
        default=None, pattern=r"^[0-9]{6}$", description="client number (numcli) from the DGFiP; without it, no PayFiP"
    )
    payfip_entry: Literal["T", "X", "W"] = Field(default="T", description="saisie: T test, X activation, W production")
    payfip_office: str | None = Field(default=None, description="code of the place that collects what is paid online")
    payfip_email: str | None = Field(default=None, description="given to PayFiP for a payer who has no address")
    payfip_url: AnyHttpUrl | None = Field(default=None, description="another PayFiP than the DGFiP's, for tests")
    particulier_token: SecretStr | None = Field(
        default=None, description="token of API Particulier, for family quotients; without it, they are typed in"
    )
    particulier_recipient: str | None = Field(
        default=None, description="SIRET of the authority that receives the quotients"
    )
    particulier_url: AnyHttpUrl | None = Field(default=None, description="another one than the State's, for tests")
    particulier_refresh: Literal["never", "yearly", "quarterly"] = Field(
        default="never", description="ask anew for all families that agreed: in January, or each quarter"
    )
    invoice_issuer: Issuer | None = Field(
        default=None, description="who sends invoices: name, address (lines), siret, phone, email, legal"
    )
    proximity: Codes | None = Field(
        default=None,
        description="codes from the DGFiP for paying at a tobacconist's; without them, no code on invoices",
    )
    language: Literal["fr", "en"] = "fr"
    territory: str = "Parthenay-Gâtine"
    body_bytes_max: int = Field(default=2 * 1024**2, ge=1024)
    upload_bytes_max: int = Field(default=80 * 1024**2, ge=1024)
    scan_pages_max: int = Field(default=20, ge=1, le=200)
    ring_s: float = Field(default=5.0, ge=0.0, le=30.0)
    card_pause_s: int = Field(default=30, ge=1, le=600)
    visit_minutes_max: int = Field(default=90, ge=5, le=480)
    taps_gathered_max: int = Field(
        default=128, ge=1, le=500, description="taps that arrive together and share one transaction; 1: each its own"
    )
    agents_folder: Path | None = Field(
        default=None, description="employers' staff lists are dropped in <folder>/<code>; without it, by hand only"
    )
    staff_directories: dict[str, StaffDirectory] = Field(
        default_factory=dict, description="employers' LDAP directories, by the code of their staff list"
    )
    library_host: str = "127.0.0.1"
    library_port: int | None = Field(
        default=None, ge=0, le=65535, description="SIP2 for the library's software; without it, nobody listens"
    )
    library_certificate: Path | None = Field(default=None, description="TLS of SIP2: certificate chain, PEM")
    library_key: Path | None = Field(default=None, description="TLS of SIP2: its private key, PEM")
    taps_days_kept: int = Field(
        default=92, ge=1, le=400, description="who passed where and when is forgotten after so long; money stays"
    )
    reservation_days_kept: int = Field(
        default=730, ge=1, le=3660, description="a reservation is erased so long after its end; money stays"
    )
    import_days_kept: int = Field(
        default=90,
        ge=1,
        le=730,
        description="what was staged of an old base and never taken over is erased after so long",
    )
    log_format: Literal["text", "json"] = "text"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    secret_key: SecretStr | None = Field(default=None, description="signs short tokens; made in data_dir when absent")

    clock_offset_s: int = Field(
        default=0, description="demonstrations only: the server's clock runs this far from the machine's"
    )

    allowed_origins: Annotated[list[str], NoDecode] = Field(default_factory=list)

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: str) -> str:
        async_url(value)
        return value

    @field_validator("allowed_origins", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value

    @model_validator(mode="after")
    def _beyond_loopback_only_behind_a_proxy(self) -> Settings:
        """Browsers give no camera to a page that came without TLS, and TLS is the reverse proxy's work."""
        if not is_loopback(self.listen_host) and self.trusted_proxy is None:
            raise ValueError(
                "listen_host is not loopback but no trusted_proxy is set: browsers give neither camera nor microphone "
                "to a page without TLS; put a reverse proxy in front and name its address in trusted_proxy"
            )
        return self

    @model_validator(mode="after")
    def _sip2_leaves_the_machine_only_encrypted(self) -> Settings:
        """SIP2 by itself sends names and its password as they are."""
        if (self.library_certificate is None) is not (self.library_key is None):
            raise ValueError("library_certificate and library_key belong together")
        if not is_loopback(self.library_host) and self.library_certificate is None:
            raise ValueError(
                "library_host is not loopback but there is no library_certificate: SIP2 would send names and its "
                "password in clear; set a certificate, or put stunnel in front"
            )
        return self

    @model_validator(mode="after")
    def _online_payments_go_somewhere(self) -> Settings:
        """Money is collected at a place whose act says so, and asked for over TLS."""
        if self.payfip_client is not None and self.payfip_office is None:
            raise ValueError("payfip_client is set but no payfip_office: whose act lets it collect online?")
        url = self.payfip_url
        if url is not None and url.scheme != "https" and not is_loopback(url.host or ""):
            raise ValueError("payfip_url is neither https nor on this machine")
        return self

    @model_validator(mode="after")
    def _the_hsm_has_a_pin(self) -> Settings:
        """Without its PIN, a token opens nothing."""
        if (self.pkcs11_module is None) != (self.pkcs11_pin_file is None):
            raise ValueError("pkcs11_module and pkcs11_pin_file are set together, or not at all")
        return self

    @model_validator(mode="after")
    def _quotients_are_asked_for_by_somebody(self) -> Settings:
        """Each question names who receives the answer, and travels over TLS."""
        if self.particulier_token is not None and not is_siret(self.particulier_recipient or ""):
            raise ValueError(
                "particulier_token is set but particulier_recipient is no SIRET: who receives the answers?"
            )
        url = self.particulier_url
        if url is not None and url.scheme != "https" and not is_loopback(url.host or ""):
            raise ValueError("particulier_url is neither https nor on this machine")
        return self

    @property
    def secure_cookies(self) -> bool:
        """Whether pages reach the browser through TLS."""
        return self.public_url.scheme == "https"

    @property
    def origins(self) -> frozenset[str]:
        """Origins from which pages may send."""
        own = str(self.public_url).rstrip("/")
        return frozenset({own, *self.allowed_origins})
