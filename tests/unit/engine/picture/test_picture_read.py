"""Reading pictures: every kind and mode comes out upright in sRGB, and every bad file is one clear error."""

from __future__ import annotations

import io
import os
import subprocess
import sys
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from avatarium.engine.picture import Picture, PictureFormat, lay_over, read_picture
from avatarium.errors import InputError, PictureError


def photo(width: int = 96, height: int = 64) -> NDArray[np.uint8]:
    """Smooth colours, different in every corner."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 40 + 180 * x / width, 30 + 190 * y / height
    return np.asarray(np.stack((red, green, 220 - 0.5 * red), axis=2), np.uint8)


def saved(image: Image.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def difference(picture: Picture, expected: NDArray[np.uint8]) -> float:
    assert picture.rgb.shape == expected.shape
    return float(np.abs(picture.rgb.astype(int) - expected).mean())


@pytest.mark.parametrize(
    ("kind", "options", "most"),
    [
        ("JPEG", {"quality": 95}, 2.0),
        ("PNG", {}, 0.0),
        ("WEBP", {"lossless": True}, 0.0),
        ("GIF", {}, 8.0),
        ("BMP", {}, 0.0),
        ("TIFF", {}, 0.0),
        ("AVIF", {"quality": 95}, 2.0),
    ],
)
def test_every_kind_is_read_under_any_name(kind: str, options: dict[str, object], most: float, tmp_path: Path) -> None:
    path = tmp_path / "wrong.txt"
    path.write_bytes(saved(Image.fromarray(photo()), kind, **options))
    picture = read_picture(path)
    assert picture.format is PictureFormat(kind)
    assert (picture.width, picture.height, picture.frames, picture.animated) == (96, 64, 1, False)
    assert picture.alpha is None
    assert picture.rgb.dtype == np.uint8
    assert difference(picture, photo()) <= most


def test_the_picture_is_writable_and_contiguous() -> None:
    picture = read_picture(saved(Image.fromarray(photo()), "PNG"))
    picture.rgb[0, 0] = 7
    assert picture.rgb.flags.c_contiguous


GREY = np.asarray(Image.fromarray(photo()).convert("L"))


@pytest.mark.parametrize(
    ("image", "kind"),
    [
        (Image.fromarray(GREY), "PNG"),
        (Image.fromarray(GREY.astype(np.uint16) * 257), "PNG"),
        (Image.fromarray(GREY.astype(np.uint16) * 257), "TIFF"),
        (Image.fromarray(GREY.astype(np.int32) * 257), "TIFF"),
        (Image.fromarray(GREY.astype(np.float32) / 255), "TIFF"),
        (Image.fromarray(GREY.astype(np.float32)), "TIFF"),
    ],
)
@pytest.mark.parametrize("longest", [4096, 48])
def test_grey_of_any_depth_keeps_its_tones(image: Image.Image, kind: str, longest: int) -> None:
    picture = read_picture(saved(image, kind), longest=longest)
    expected = Image.fromarray(GREY).resize((picture.width, picture.height), Image.Resampling.LANCZOS)
    assert difference(picture, np.asarray(expected.convert("RGB"))) <= 1.0


def test_sixteen_bit_colour_keeps_its_tones() -> None:
    """PNG of 16 bits a channel, written by hand: Pillow cannot write it."""
    cv2 = pytest.importorskip("cv2")
    encoded, data = cv2.imencode(".png", photo()[..., ::-1].astype(np.uint16) * 257)
    assert encoded
    assert difference(read_picture(data.tobytes()), photo()) <= 1.0


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_turned_into_rgb(kind: str) -> None:
    options = {"quality": 95} if kind == "JPEG" else {}
    picture = read_picture(saved(Image.fromarray(photo()).convert("CMYK"), kind, **options))
    assert difference(picture, photo()) <= 3.0


def profile_of(primaries: tuple[tuple[float, float], ...], gamma: float) -> bytes:
    """An ICC v2 display profile with these chromaticities, white D65 (adapted to D50 by Bradford), made from sRGB's."""
    white = np.array([0.95047, 1.0, 1.08883])
    columns = np.array([[x / y, 1.0, (1 - x - y) / y] for x, y in primaries]).T
    columns = columns * np.linalg.solve(columns, white)
    bradford = np.array(
        [[1.0478112, 0.0228866, -0.0501270], [0.0295424, 0.9904844, -0.0170491], [-0.0092345, 0.0150436, 0.7521316]]
    )
    adapted = np.asarray(bradford @ columns, np.float64)

    def fixed(value: float) -> bytes:
        return int(round(value * 65536)).to_bytes(4, "big", signed=True)

    def xyz(value: NDArray[Any]) -> bytes:
        return b"XYZ \0\0\0\0" + b"".join(fixed(float(part)) for part in value)

    curve = b"curv\0\0\0\0\0\0\0\x01" + round(gamma * 256).to_bytes(2, "big") + b"\0\0"
    text = b"desc\0\0\0\0\0\0\0\x05Test\0" + b"\0" * 79
    tags = [(b"desc", text), (b"wtpt", xyz(np.array([0.9642, 1.0, 0.8249], np.float64)))]
    tags += [(name, xyz(adapted[:, i])) for i, name in enumerate((b"rXYZ", b"gXYZ", b"bXYZ"))]
    tags += [(name, curve) for name in (b"rTRC", b"gTRC", b"bTRC")]
    table, body, at = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags:
        data += b"\0" * (-len(data) % 4)
        table += name + (at + len(body)).to_bytes(4, "big") + len(data).to_bytes(4, "big")
        body += data
    header = b"\0" * 8 + b"\x02\x10\0\0" + b"mntrRGB XYZ " + b"\0" * 12 + b"acsp" + b"\0" * 28
    header += fixed(0.9642) + fixed(1.0) + fixed(0.8249)
    whole = header.ljust(128, b"\0") + len(tags).to_bytes(4, "big") + table + body
    return len(whole).to_bytes(4, "big") + whole[4:]


DISPLAY_P3 = ((0.680, 0.320), (0.265, 0.690), (0.150, 0.060))
ADOBE_RGB = ((0.640, 0.330), (0.210, 0.710), (0.150, 0.060))


@pytest.mark.parametrize(
    ("primaries", "gamma", "stored", "expected"),
    [
        # Pure sRGB colours and a skin tone as these spaces store them (colour.RGB_to_RGB, gamma 2.2 throughout).
        (DISPLAY_P3, 2.2, (234, 51, 35), (255, 0, 0)),
        (ADOBE_RGB, 2.2, (219, 0, 0), (255, 0, 0)),
        (ADOBE_RGB, 2.2, (144, 255, 60), (0, 255, 0)),
    ],
)
def test_wide_colour_spaces_become_srgb(
    primaries: tuple[tuple[float, float], ...], gamma: float, stored: tuple[int, int, int], expected: tuple[int, ...]
) -> None:
    plain = Image.new("RGB", (32, 32), stored)
    picture = read_picture(saved(plain, "PNG", icc_profile=profile_of(primaries, gamma)))
    assert np.abs(picture.rgb[5, 5].astype(int) - expected).max() <= 12
    assert np.abs(picture.rgb[5, 5].astype(int) - stored).max() >= 20


@pytest.mark.parametrize("icc", [b"no profile at all", profile_of(DISPLAY_P3, 2.2)[:200]])
def test_a_broken_profile_is_left_out(icc: bytes) -> None:
    assert difference(read_picture(saved(Image.fromarray(photo()), "PNG", icc_profile=icc)), photo()) == 0


def test_a_profile_of_another_colour_space_is_left_out() -> None:
    data = saved(Image.fromarray(GREY), "PNG", icc_profile=profile_of(DISPLAY_P3, 2.2))
    assert difference(read_picture(data), np.stack([GREY] * 3, axis=2)) == 0


def test_an_srgb_profile_changes_nothing() -> None:
    icc = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert difference(read_picture(saved(Image.fromarray(photo()), "PNG", icc_profile=icc)), photo()) <= 0.1


TURNS: dict[int, Callable[[NDArray[np.uint8]], NDArray[np.uint8]]] = {
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.transpose(1, 0, 2),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].transpose(1, 0, 2),
    8: lambda a: np.rot90(a, -1),
}


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("longest", [4096, 64])
def test_exif_orientation_is_applied(orientation: int, longest: int) -> None:
    upright = photo(128, 96)
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = Image.fromarray(np.ascontiguousarray(TURNS[orientation](upright)))
    picture = read_picture(saved(stored, "JPEG", quality=95, exif=exif), longest=longest)
    small = Image.fromarray(upright).resize((picture.width, picture.height))
    assert (picture.width, picture.height) == ((128, 96) if longest > 128 else (64, 48))
    assert difference(picture, np.asarray(small)) < 3


def test_alpha_is_kept_beside_the_colours() -> None:
    alpha = np.tile(np.linspace(0, 255, 96).astype(np.uint8), (64, 1))
    picture = read_picture(saved(Image.fromarray(np.dstack((photo(), alpha))), "PNG"))
    assert picture.alpha is not None
    assert np.array_equal(picture.alpha, alpha)
    assert difference(picture, photo()) == 0
    white, black = picture.over((255, 255, 255)), picture.over((0, 0, 0))
    assert (white[:, 0] == 255).all()
    assert (black[:, 0] == 0).all()
    assert np.array_equal(white[:, -1], picture.rgb[:, -1])


def test_alpha_that_hides_nothing_is_none() -> None:
    opaque = np.dstack((photo(), np.full((64, 96), 255, np.uint8)))
    assert read_picture(saved(Image.fromarray(opaque), "PNG")).alpha is None


def test_reducing_a_cut_out_does_not_bleed_the_hidden_colour() -> None:
    """Clear pixels are often black: they must not darken the edge of what is seen."""
    rgba = np.zeros((256, 256, 4), np.uint8)
    rgba[:, 129:] = (200, 150, 100, 255)
    picture = read_picture(saved(Image.fromarray(rgba), "PNG"), longest=64)
    assert picture.alpha is not None
    seen = picture.rgb[picture.alpha > 40].astype(int)
    assert np.abs(seen - (200, 150, 100)).max() <= 15


@pytest.mark.parametrize("longest", [4096, 48])
def test_palette_transparency_and_grey_alpha(longest: int) -> None:
    palette = Image.fromarray(photo()).quantize(16)
    clear = palette.getpixel((0, 0))
    picture = read_picture(saved(palette, "PNG", transparency=clear), longest=longest)
    assert picture.alpha is not None
    assert picture.alpha[0, 0] == 0
    assert picture.alpha[-1, -1] == 255
    grey = read_picture(saved(Image.merge("LA", (Image.fromarray(GREY), Image.new("L", (96, 64), 100))), "PNG"))
    assert grey.alpha is not None
    assert (grey.alpha == 100).all()
    assert difference(grey, np.stack([GREY] * 3, axis=2)) == 0


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF", "TIFF"])
def test_of_several_frames_the_first_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (40, 40), colour) for colour in ((200, 0, 0), (0, 200, 0), (0, 0, 200))]
    picture = read_picture(saved(frames[0], kind, save_all=True, append_images=frames[1:]))
    assert (picture.frames, picture.animated) == (3, True)
    assert np.abs(picture.rgb[20, 20].astype(int) - (200, 0, 0)).max() <= 8


def test_a_second_picture_in_a_jpeg_is_no_animation() -> None:
    """Phones put depth or gain maps behind the photo (MPO)."""
    frames = [Image.fromarray(photo()), Image.fromarray(photo())]
    picture = read_picture(saved(frames[0], "MPO", save_all=True, append_images=frames[1:]))
    assert (picture.format, picture.animated) == (PictureFormat.JPEG, False)


def test_longest_bounds_both_sides() -> None:
    picture = read_picture(saved(Image.fromarray(photo(300, 1200)), "JPEG", quality=95), longest=400)
    assert (picture.width, picture.height) == (100, 400)
    assert (picture.source_width, picture.source_height) == (300, 1200)
    expected = Image.fromarray(photo(300, 1200)).resize((100, 400), Image.Resampling.BOX)
    assert difference(picture, np.asarray(expected)) < 2


def code_of(source: str | Path | bytes) -> str:
    with pytest.raises(PictureError) as caught:
        read_picture(source)
    assert caught.value.message.endswith(".")
    assert "Traceback" not in caught.value.message
    return caught.value.code


def test_missing_files_and_folders(tmp_path: Path) -> None:
    assert code_of(tmp_path / "none.jpg") == "picture_missing"
    assert code_of(tmp_path / "none" / "none.jpg") == "picture_missing"
    assert code_of("nul\0byte.jpg") == "picture_missing"
    assert code_of(tmp_path) == "picture_unreadable"
    (tmp_path / "empty.jpg").touch()
    assert code_of(tmp_path / "empty.jpg") == "picture_unreadable"
    assert code_of(b"") == "picture_unreadable"


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.jpg")
    assert code_of(tmp_path / "pipe.jpg") == "picture_unreadable"


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"Dear all, this is a letter and no picture. Yours, somebody \xe2\x80\x94 with a dash, and more text", "text"),
        (b"%PDF-1.7 ...", "PDF"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "SVG"),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC"),
        (b"\0\0\0\x18ftypisom\0\0\0\0mp42isom", "video"),
        (b"#EXTM3U\nhttp://127.0.0.1/a", "text"),
        (bytes(range(256)), "no picture"),
    ],
)
def test_other_files_named_jpg_say_what_they_are(content: bytes, word: str, tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    path.write_bytes(content)
    with pytest.raises(PictureError, match=word) as caught:
        read_picture(path)
    assert caught.value.code == "picture_format"
    assert isinstance(caught.value, InputError)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF"])
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_file_cut_short_is_damaged(kind: str, part: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = saved(Image.fromarray(noise), kind)
    assert code_of(data[: int(len(data) * part)]) == "picture_unreadable"


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (15, 200)])
def test_tiny_pictures_are_refused(size: tuple[int, int]) -> None:
    assert code_of(saved(Image.new("RGB", size), "PNG")) == "picture_too_small"


def png_header(width: int, height: int) -> bytes:
    """A PNG that claims a size and holds next to nothing."""
    data = bytearray(saved(Image.new("RGB", (32, 32)), "PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize("size", [(20000, 10000), (10001, 10000), (2**31 - 1, 2**31 - 1)])
def test_bombs_are_refused_before_they_are_decoded(size: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    """The most memory that a process ever had was compared, which after other tests nothing here would have raised."""

    def decoded(self: ImageFile.ImageFile) -> None:
        raise AssertionError("it is decoded")

    monkeypatch.setattr(ImageFile.ImageFile, "load", decoded)
    with pytest.raises(AssertionError, match="decoded"):
        code_of(png_header(32, 32))
    assert code_of(png_header(*size)) == "picture_too_large"


def test_a_picture_between_pillows_limit_and_ours_is_no_warning() -> None:
    """Pillow warns from 89 megapixels on; here warnings are errors. The file is cut short, so it is cheap."""
    assert code_of(png_header(9800, 10000)) == "picture_unreadable"


def test_a_gif_too_long_to_count_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "long.gif"
    with path.open("wb") as file:
        file.write(saved(Image.new("RGB", (32, 32)), "GIF"))
        file.truncate(40 * 2**20)
    assert code_of(path) == "picture_too_large"


SIXTY_MEGAPIXELS = """
import io, resource, sys
from PIL import Image
Image.new("RGB", (7000, 8600), (200, 120, 90)).save(sys.argv[1], "JPEG")
"""
READ_IT = """
import resource, sys
from avatarium.engine.picture import read_picture
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
picture = read_picture(sys.argv[1])
print(picture.width, picture.height, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_a_large_jpeg_is_reduced_while_it_is_decoded(tmp_path: Path) -> None:
    path = str(tmp_path / "large.jpg")
    subprocess.run([sys.executable, "-c", SIXTY_MEGAPIXELS, path], check=True, timeout=60)
    told = subprocess.run([sys.executable, "-c", READ_IT, path], check=True, timeout=60, capture_output=True, text=True)
    width, height, grown_mb = map(int, told.stdout.split())
    assert (width, height) == (3334, 4096)
    # Decoded in full it would take 180 MB and the result 41 MB more.
    assert grown_mb < 180


GOOD = [
    saved(Image.fromarray(photo(40, 40)), kind) for kind in ("JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF")
] + [saved(Image.fromarray(photo(40, 40)).quantize(8), "PNG", transparency=1)]


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(GOOD),
    st.lists(st.tuples(st.integers(0, 2000), st.integers(0, 255)), min_size=1, max_size=12),
)
def test_damaged_files_raise_nothing_but_picture_errors(data: bytes, changes: list[tuple[int, int]]) -> None:
    damaged = bytearray(data)
    for at, value in changes:
        damaged[at % len(damaged)] = value
    try:
        picture = read_picture(bytes(damaged))
    except PictureError:
        return
    assert picture.rgb.shape == (picture.height, picture.width, 3)


@given(st.integers(0, 255), st.integers(0, 255), st.integers(0, 255))
def test_laying_over_is_the_rounded_mix(colour: int, cover: int, ground: int) -> None:
    rgb = np.full((1, 1, 3), colour, np.uint8)
    mixed = lay_over(rgb, np.full((1, 1), cover, np.uint8), np.array([ground] * 3, np.uint8))
    assert abs(int(mixed[0, 0, 0]) - (colour * cover + ground * (255 - cover)) / 255) <= 0.5 + 1e-9
