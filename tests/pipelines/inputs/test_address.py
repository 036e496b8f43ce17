"""Addresses, patterns and signatures: pure functions."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.inputs.address import bucket_url, host_of, parse_address
from pipelines.inputs.patterns import fixed_start, matcher
from pipelines.inputs.signing import credentials


@pytest.mark.parametrize(
    ("text", "url", "name"),
    [
        ("https://Host.org/a/b%20c.gz", "https://host.org/a/b%20c.gz", "b c.gz"),
        ("http://127.0.0.1:80/a.gz", "http://127.0.0.1:80/a.gz", "a.gz"),
        (
            "s3://commoncrawl/c/a b+c.gz",
            "https://commoncrawl.s3.us-east-1.amazonaws.com/c/a%20b%2Bc.gz",
            "a b+c.gz",
        ),
        ("s3://dotted.name/a.gz", "https://s3.us-east-1.amazonaws.com/dotted.name/a.gz", "a.gz"),
        ("https://host/100%/a%20b.gz", "https://host/100%25/a%20b.gz", "a b.gz"),
        ("gs://bucket/x/ä.gz", "https://storage.googleapis.com/bucket/x/%C3%A4.gz", "ä.gz"),
        (
            "hf://datasets/me/it@refs/convert/parquet/x/0.parquet",
            "https://huggingface.co/datasets/me/it/resolve/refs/convert/parquet/x/0.parquet",
            "0.parquet",
        ),
    ],
)
def test_addresses_become_urls_and_names(text: str, url: str, name: str) -> None:
    address = parse_address(text)
    assert address.url({}) == url
    assert address.path.name == name


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("ftp://host/a", "unsupported address scheme 'ftp'; supported: https, http, s3, gs, hf"),
        ("https://user:canary@host/a", "credentials come from the environment"),
        ("https://host/a?X-Amz-Signature=canary", "query"),
        ("https:///a", "invalid host"),
        ("s3://bad bucket/a", "invalid bucket"),
        ("https://host", "does not name a file"),
        ("https://host/folder/", "does not name a file"),
        ("hf://datasets/me/it/a.parquet", "OWNER/NAME@REVISION/PATH"),
    ],
)
def test_what_is_no_address_is_said_without_secrets(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says) as caught:
        parse_address(text)
    assert "canary" not in str(caught.value)


def test_services_are_found_in_the_environment() -> None:
    assert bucket_url("s3", "b", {"AWS_ENDPOINT_URL": "http://minio:9000/"}) == "http://minio:9000/b/"
    assert bucket_url("s3", "b", {"AWS_REGION": "eu-west-1"}) == "https://b.s3.eu-west-1.amazonaws.com/"
    assert bucket_url("gs", "b", {"STORAGE_EMULATOR_HOST": "http://h:1"}) == "http://h:1/b/"
    assert host_of("https://[::1]:8443/a") == "::1:8443"


@pytest.mark.parametrize(
    ("pattern", "yes", "no"),
    [
        ("a/*.gz", ["a/x.gz", "a/.gz"], ["a/b/x.gz", "a/x.gz.tmp", "b/x.gz"]),
        ("a/**/x.gz", ["a/x.gz", "a/b/c/x.gz"], ["a/bx.gz"]),
        ("a/?[0-9].gz", ["a/x1.gz"], ["a/x.gz", "a/x12.gz", "a//1.gz"]),
        ("a/[!b].gz", ["a/c.gz"], ["a/b.gz", "a//.gz"]),
        ("a+(b).gz", ["a+(b).gz"], ["aa(b).gz"]),
    ],
)
def test_patterns_mean_what_they_mean_locally(pattern: str, yes: list[str], no: list[str]) -> None:
    expression = matcher(pattern)
    assert [key for key in yes + no if expression.fullmatch(key)] == yes


@given(st.text("ab/*?[!]^-.\\", max_size=12))
def test_every_pattern_can_be_used_and_matches_below_its_fixed_start(pattern: str) -> None:
    expression = matcher(pattern)
    assert pattern.startswith(fixed_start(pattern))
    if not set(pattern) & set("*?["):
        assert expression.fullmatch(pattern)


def test_a_signature_is_the_one_of_the_specification() -> None:
    """The first example of "Signature Calculations for the Authorization Header" in Amazon's S3 API reference."""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    headers = credentials(
        "s3",
        "https://examplebucket.s3.amazonaws.com/test.txt",
        {"Range": "bytes=0-9"},
        environment,
        datetime(2013, 5, 24, tzinfo=UTC),
    )
    signature = headers["Authorization"].rpartition("Signature=")[2]
    assert signature == "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"


def test_a_signature_covers_the_query() -> None:
    """The third example there: the lifecycle of a bucket has a query; the listing, the fourth, has two parts."""
    environment = {
        "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
        "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    }
    at = datetime(2013, 5, 24, tzinfo=UTC)
    base = "https://examplebucket.s3.amazonaws.com/"
    expected = {
        "?lifecycle": "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
        "?prefix=J&max-keys=2": "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
    }
    for query, signature in expected.items():
        headers = credentials("s3", base + query, {}, environment, at)
        assert headers["Authorization"].endswith(f"Signature={signature}")


def test_tokens_go_to_their_own_service_only() -> None:
    environment = {"HF_TOKEN": "h", "CLOUDSDK_AUTH_ACCESS_TOKEN": "g"}
    found = {
        scheme: credentials(scheme, "https://x/", {}, environment) for scheme in ("s3", "gs", "hf", "https")
    }
    bearer = {"gs": {"Authorization": "Bearer g"}, "hf": {"Authorization": "Bearer h"}}
    assert found == {"s3": {}, "https": {}, **bearer}
