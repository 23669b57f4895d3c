"""The package: what it needs and what it holds. The version stands in `kinto_lite/version.py`.

Beside the package `kinto_lite/` lies the launcher `kinto_lite.py`; the wheel takes the package
only, with its `.sql` files.
"""

import runpy
from pathlib import Path

from setuptools import find_packages, setup

HERE = Path(__file__).parent

#: Where httptools has wheels; elsewhere h11 parses.
HAS_HTTPTOOLS = (
    'platform_python_implementation == "CPython"'
    ' and platform_machine in "x86_64 AMD64 aarch64 arm64"'
)

HAS_UVLOOP = (
    'platform_python_implementation == "CPython" and sys_platform != "win32"'
    ' and platform_machine in "x86_64 aarch64 arm64"'
)

HAS_PSYCOPG_BINARY = (
    'platform_python_implementation == "CPython"'
    ' and platform_machine in "x86_64 AMD64 aarch64 arm64"'
)
#: Where there is no wheel, libpq of the system is used.
POSTGRESQL = ["psycopg>=3.2", f"psycopg[binary]>=3.2; {HAS_PSYCOPG_BINARY}"]

setup(
    name="kinto-lite",
    version=runpy.run_path(str(HERE / "kinto_lite" / "version.py"))["VERSION"],
    description="Self-hosted JSON storage and sync server that speaks the Kinto HTTP API",
    long_description=(HERE / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    license="Apache-2.0",
    python_requires=">=3.11",
    packages=find_packages(include=["kinto_lite", "kinto_lite.*"]),
    package_data={"kinto_lite": ["**/*.sql"]},
    install_requires=[
        "apsw>=3.50",
        "bottle>=0.13,<0.14",
        "h11>=0.14",
        f"httptools>=0.6; {HAS_HTTPTOOLS}",
        "jsonpatch>=1.33",
        f"uvloop>=0.19; {HAS_UVLOOP}",
        "jsonschema>=4.20",
    ],
    extras_require={
        # For accounts whose passwords Kinto hashed.
        "bcrypt": ["bcrypt>=4"],
        # For OpenID providers whose tokens are made for this server (`audience`).
        "openid": ["PyJWT[crypto]>=2.10"],
        # For kinto.plugins.prometheus.
        "prometheus": ["prometheus-client>=0.22"],
        # For `storage_url = postgresql://...`.
        "postgresql": POSTGRESQL,
        "test": [
            *POSTGRESQL,
            "bcrypt>=4",
            "hypothesis>=6.100",
            "kinto-http>=11",
            "openapi-spec-validator>=0.7.1",
            "PyJWT[crypto]>=2.10",
            "prometheus-client>=0.22",
            "pytest>=8",
            "pytest-cov>=5",
            "pytest-xdist>=3.5",
            "schemathesis>=4.30,<5",
            "selenium>=4.20",
            "webtest>=3.0",
        ],
        "lint": [
            *POSTGRESQL,
            "bcrypt>=4",
            "mypy>=1.11",
            "PyJWT[crypto]>=2.10",
            "prometheus-client>=0.22",
            "ruff>=0.6",
            "types-jsonschema",
        ],
        "build": ["build>=1.2"],
    },
    entry_points={"console_scripts": ["kinto-lite = kinto_lite.cli:main"]},
)
