"""What a file seems to be, by its name and the type that the platform names. Either may be missing or wrong."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import Literal

Kind = Literal["image", "other image", "pdf", "office", "text", "other", "unknown"]

_IMAGES = {"png", "jpg", "jpeg", "jfif", "webp", "gif"}
"""https://platform.openai.com/docs/guides/images-vision (image input requirements)"""
_OTHER_IMAGES = {"heic", "heif", "avif", "bmp", "tif", "tiff", "ico", "psd", "ai", "eps", "raw", "cr2", "nef", "dng"}
_NAMED_MARKUP = "htm html xhtml xml svg php vue svelte astro md markdown mdx txt text jsp asp aspx erb ejs j2 hbs"
_MARKUP = frozenset(_NAMED_MARKUP.split())
_NAMED_TEXTS = """
adoc applescript asm awk bash bat bib c cc cfg clj cmake cmd conf cpp cs css csv cxx dart diff dockerfile edn el env
eml erl ex exs fish for fs go gql gradle graphql groovy h hh hpp hs ics ini ipynb java jl js json json5 jsonc jsonl
jsx kt kts less lisp log lock lua m make mjs ml mm ndjson nim nix org out pas patch pem pl pm plist po pot
properties proto ps1 psql pyi py r rb reg rs rst sass sbt scala scm scss sh sln sol sql srt strings sv swift tcl
tex tf tfvars toml ts tsv tsx vb vbs vhd vim vtt wat yaml yml zig zsh
"""
_TEXTS = _MARKUP | frozenset(_NAMED_TEXTS.split())
_NAMED_OTHERS = """
7z a aac aab apk app avi bin bz2 cab class db deb dll dmg doc docm docx dylib elf epub exe flac flv gz iso jar key
lz4 m4a m4v mdb mkv mov mp3 mp4 mpeg mpg msg msi numbers o obj odp ods odt ogg opus otf pages parquet pkg pkl ppt
pptx pyc rar rpm rtf so sqlite stl swf tar tgz ttf wasm wav webm wma wmv woff woff2 xls xlsm xlsx xz zip zst
"""
_OFFICE = {"docx", "docm", "xlsx", "xlsm"}
_OTHERS = frozenset(_NAMED_OTHERS.split()) - _OFFICE

_TEXT_TYPE = re.compile(
    r"text/|message/|application/(?:[\w.-]+\+)?(?:json|xml|yaml)$"
    r"|application/(?:x-)?(?:javascript|typescript|ecmascript|yaml|toml|sql|sh|csh|python|perl|ruby|php|httpd-php|latex"
    r"|tex|ndjson|jsonlines|json-lines|graphql|csv|ipynb\+json|subrip|pem-file)$"
)
_OTHER_TYPE = re.compile(
    r"video/|audio/|font/|model/|application/(?:vnd\.|(?:x-)?(?:zip|gzip|bzip2?|tar|xz|zstd|7z|rar|compress|msdownload"
    r"|executable|sharedlib|java-archive|dosexec|apple-diskimage|sqlite3|iso9660)|msword|rtf\b|epub)"
)
_PAGE = re.compile(
    rb"(?:\xef\xbb\xbf)?\s*(?:<!--.{0,500}?-->\s*)?<(?:!doctype\s+html|html)\b", re.IGNORECASE | re.DOTALL
)


def expected(name: str, mime: str) -> Kind:
    """The ending goes before the type: platforms call TypeScript a video."""
    end = ending(name)
    if end in _TEXTS:
        return "text"
    if end == "pdf" or (mime == "application/pdf" and end not in _OTHERS):
        return "pdf"
    if end in _OFFICE:
        return "office"
    if end in _IMAGES or mime in ("image/png", "image/jpeg", "image/jpg", "image/webp", "image/gif"):
        return "image"
    if mime == "image/svg+xml" or _TEXT_TYPE.match(mime):
        return "text"
    if end in _OTHER_IMAGES or mime.startswith("image/"):
        return "other image"
    return "other" if end in _OTHERS or _OTHER_TYPE.match(mime) else "unknown"


def is_page(name: str, mime: str, data: bytes) -> bool:
    """A web page under the name of something else: what a platform shows to who may not download the file."""
    plain = (
        ending(name) in _MARKUP or mime in ("text/html", "application/xhtml+xml") or expected(name, mime) == "unknown"
    )
    return not plain and _PAGE.match(data[:2000]) is not None


def ending(name: str) -> str:
    """`tsx` for `App.tsx`, `dockerfile` for `Dockerfile`, `env` for `.env`."""
    path = PurePosixPath(name.lower().replace("\\", "/"))
    return (path.suffix or path.name).removeprefix(".")
