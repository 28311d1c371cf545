"""A bundle: the same bytes each time, nothing of this machine in it, and refused where unsound."""

import hashlib
import io
import json
import stat
import zipfile

import pytest

import cli
from comparison.evaluation.kept import find_evaluation
from comparison.replay.bundle import save_bundle, write_bundle
from comparison.replay.unpack import unpack
from finetune_backend.runs import delete_run, find_run
from rag_backend.documents import unheard
from workbench import jobs
from workbench.errors import RagtuneError

ADAPTER = "adapters/tuned/adapter_model.safetensors"


@pytest.fixture(scope="session")
def bundle(tmp_path_factory, evaluated_home, tiny_model):
    """A bundle of the evaluation "one"."""
    from comparison.lab import open_lab

    file = tmp_path_factory.mktemp("bundle") / "one.zip"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAGTUNE_MODEL", str(tiny_model))
        patch.setenv("RAGTUNE_ENGINE", "transformers")
        lab = open_lab(evaluated_home)
        save_bundle(lab, find_evaluation(lab.home, "one"), file)
        lab.database.close()
    return file


def parts(file):
    with zipfile.ZipFile(file) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(file, held, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, data in held.items():
            archive.writestr(name, data)
    return file


def signed(held, **changes):
    """Return parts with a manifest that fits them, changed in some of its values."""
    manifest = json.loads(held["manifest.json"])
    files = {n: hashlib.sha256(d).hexdigest() for n, d in held.items() if n != "manifest.json"}
    saved = manifest | {"files": files} | changes
    return held | {"manifest.json": json.dumps(saved).encode()}


def refused(file, folder, said):
    with pytest.raises(RagtuneError, match=said):
        unpack(file, folder / "out", unheard)


def test_the_same_evaluation_gives_the_same_bytes(evaluated_lab, bundle, tmp_path, capsys):
    again = io.BytesIO()
    write_bundle(evaluated_lab, find_evaluation(evaluated_lab.home, "one"), again)
    assert again.getvalue() == bundle.read_bytes()
    file = tmp_path / "new" / "again.zip"
    code = cli.main(["--home", str(evaluated_lab.home.folder), "bundle", "one", str(file)])
    assert code == 0 and file.read_bytes() == bundle.read_bytes()
    assert list(file.parent.iterdir()) == [file]
    told = capsys.readouterr().out
    assert told.startswith(f"bundled   {file}, 0.") and "not in it: the model tiny" in told


def test_it_holds_what_answers_come_from_and_nothing_of_this_machine(bundle, tiny_model):
    held = parts(bundle)
    manifest = json.loads(held["manifest.json"])
    assert manifest["format"] == 1 and manifest["model"] == tiny_model.name
    assert [one["name"] for one in manifest["documents"]] == ["handbook.md"]
    document = f"documents/{manifest['documents'][0]['sha256']}"
    assert b"31 days" in held[document]
    assert {"exam.jsonl", "rows.jsonl", "settings.json", "evaluation.json", ADAPTER} <= set(held)
    settings = json.loads(held["settings.json"])
    assert settings["system_prompt"] and not {"model", "server"} & set(settings)
    assert str(tiny_model).encode() not in bundle.read_bytes()
    with zipfile.ZipFile(bundle) as archive:
        modes = {entry.external_attr >> 16 for entry in archive.infolist()}
    assert modes == {0o644} and not stat.S_ISLNK(modes.pop())


def test_it_comes_out_as_it_went_in(bundle, tmp_path):
    out = unpack(bundle, tmp_path / "out", unheard)
    assert out.evaluation.name == "one" and out.evaluation.complete
    assert [column.label for column in out.evaluation.columns] == [
        "base",
        "rag",
        "finetuned · tuned",
    ]
    held = parts(bundle)
    for part in out.manifest.files:
        assert (out.folder / part).read_bytes() == held[part]


def test_a_changed_byte_is_found(bundle, tmp_path):
    data = bytearray(bundle.read_bytes())
    data[data.index(b"31 days")] ^= 1
    (tmp_path / "a.zip").write_bytes(data)
    refused(tmp_path / "a.zip", tmp_path, "a.zip is damaged, or not a ZIP file")
    held = parts(bundle)
    held["exam.jsonl"] = held["exam.jsonl"].replace(b"17:20", b"17:30")
    refused(pack(tmp_path / "b.zip", held), tmp_path, "exam.jsonl has another checksum")


@pytest.mark.parametrize(
    "path", ["../evil", "/evil", "documents/../../evil", "C:\\evil", "adapters/../x", "evil.py"]
)
def test_a_path_that_no_bundle_has_is_refused(bundle, tmp_path, path):
    held = parts(bundle) | {path: b"x"}
    refused(pack(tmp_path / "a.zip", held), tmp_path, "a.zip was refused: it holds .* no bundle")
    refused(
        pack(tmp_path / "b.zip", signed(held)), tmp_path, "b.zip was refused: it holds .*evil|x"
    )
    assert sorted(one.name for one in tmp_path.rglob("*")) == ["a.zip", "b.zip"]


def test_bombs_are_refused(bundle, tmp_path):
    held = parts(bundle)
    packed = pack(tmp_path / "a.zip", held, zipfile.ZIP_DEFLATED)
    refused(packed, tmp_path, "in it is packed, and `ragtune bundle` packs nothing")
    twice = zipfile.ZipFile(pack(tmp_path / "b.zip", held), "a")
    with twice, pytest.warns(UserWarning, match="Duplicate name"):
        twice.writestr("exam.jsonl", b"x")
    refused(tmp_path / "b.zip", tmp_path, "the same part more than once")
    # One piece of data, which ten entries of the directory claim to be.
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("manifest.json", b"x" * 1000)
        (entry,) = archive.filelist
        for number in range(10):
            claim = zipfile.ZipInfo(f"documents/{number:064x}")
            claim.header_offset, claim.CRC = entry.header_offset, entry.CRC
            claim.file_size = claim.compress_size = entry.file_size
            archive.filelist.append(claim)
    (tmp_path / "c.zip").write_bytes(out.getvalue())
    refused(tmp_path / "c.zip", tmp_path, "the same part more than once")


def test_what_is_missing_is_named(bundle, tmp_path):
    held = parts(bundle)
    without = {name: data for name, data in held.items() if name != ADAPTER}
    refused(pack(tmp_path / "a.zip", without), tmp_path, f"not whole: {ADAPTER} is missing")
    refused(
        pack(tmp_path / "b.zip", signed(without)),
        tmp_path,
        f"{ADAPTER}, of the adapter 'tuned', is",
    )
    without = {name: data for name, data in held.items() if not name.startswith("documents/")}
    refused(pack(tmp_path / "c.zip", signed(without)), tmp_path, "not whole: documents/")
    refused(tmp_path / "d.zip", tmp_path, "can't be read: No such file")
    refused(pack(tmp_path / "e.zip", {"a.txt": b""}), tmp_path, "manifest.json is missing")
    (tmp_path / "f.zip").write_bytes(b"not a zip file")
    refused(tmp_path / "f.zip", tmp_path, "is damaged, or not a ZIP file")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"format": 2}, "a bundle of format 2; this Ragtune reads format 1"),
        ({"format": None}, "a bundle of format None"),
        ({"documents": [{"name": "a"}]}, "is not what `ragtune bundle` writes"),
        ({"documents": 3}, "is not what `ragtune bundle` writes"),
        ({"model": 3}, "is not what `ragtune bundle` writes"),
        ({"files": {"exam.jsonl": "0"}}, "is not what `ragtune bundle` writes"),
        ({"files": {"exam.jsonl": "0" * 64}, "documents": []}, "whole: evaluation.json is missing"),
        ({"evaluation": "../one"}, "'../one' can't be the name"),
    ],
)
def test_a_manifest_is_not_believed(bundle, tmp_path, changes, said):
    refused(pack(tmp_path / "a.zip", signed(parts(bundle), **changes)), tmp_path, said)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("part", "old", "new"),
    [
        ("evaluation.json", b'"method": "base"', b'"method": "other"'),
        ("evaluation.json", b'"columns"', b'"rows"'),
        ("evaluation.json", b'"model": null', b'"model": "owner/model"'),
        ("rows.jsonl", b'"number": 0', b'"number": 7'),
        ("rows.jsonl", b'"answer"', b'"said"'),
        ("rows.jsonl", b'"column": "rag"', b'"column": "hybrid"'),
    ],
)
def test_what_an_evaluation_never_is_is_refused(bundle, tmp_path, part, old, new):
    held = parts(bundle)
    assert old in held[part]
    held[part] = held[part].replace(old, new)
    refused(pack(tmp_path / "a.zip", signed(held)), tmp_path, "evaluation.json or rows.jsonl")


def test_what_can_not_be_made_again_is_not_bundled(evaluated_lab, tmp_path):
    lab = evaluated_lab
    evaluation = find_evaluation(lab.home, "one")
    with pytest.raises(RagtuneError, match="a name that ends in .zip was expected"):
        save_bundle(lab, evaluation, tmp_path / "one.tar")
    (upload,) = lab.home.uploads.iterdir()
    data = upload.read_bytes()
    upload.write_bytes(data[:-1])
    with pytest.raises(RagtuneError, match="is missing or damaged: add its document again"):
        save_bundle(lab, evaluation, tmp_path / "one.zip")
    upload.write_bytes(data)
    lab.knowledge_base.add_bytes(b"The mayor is Ada Holm.", "mayor.txt")
    with pytest.raises(RagtuneError, match="can't be bundled: the documents changed since"):
        save_bundle(lab, evaluation, tmp_path / "one.zip")
    delete_run(find_run(lab.home, "tuned"))
    with pytest.raises(RagtuneError, match="There is no adapter 'tuned'"):
        save_bundle(lab, evaluation, tmp_path / "one.zip")
    (evaluation.folder / "rows.jsonl").write_bytes(b"")
    with pytest.raises(RagtuneError, match="'one' has no answers yet"):
        save_bundle(lab, evaluation, tmp_path / "one.zip")
    jobs.Job(evaluation.folder)._save("starting", "Starting")
    with pytest.raises(RagtuneError, match="'one' is at work"):
        save_bundle(lab, find_evaluation(lab.home, "one"), tmp_path / "one.zip")
    assert [one.name for one in tmp_path.iterdir()] == ["home"]
