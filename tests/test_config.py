import dataclasses
import pathlib

import ml_collections
import pytest

from ssrlm_jax import config
from ssrlm_jax.jobs import command
from ssrlm_jax.rna import alphabet

ROOT = pathlib.Path(__file__).parents[1]
FILES = ["650m", "150m", "8m", "demo"]


def read(name: str, *overrides: str) -> config.PretrainConfig:
    path = f"{ROOT}/configs/{name}"
    return config.frozen(config.PretrainConfig, command.read(path, list(overrides)))


@pytest.mark.parametrize("name", FILES)
def test_every_config_file_is_possible(name):
    settings = read(f"{name}.py")
    assert settings.encoder.vocab_size == alphabet.SIZE


@pytest.mark.parametrize("name", ["650m", "150m", "8m"])
def test_the_sizes_share_the_recipe_of_the_paper(name):
    settings = read(f"{name}.py")
    default = config.PretrainConfig()
    assert dataclasses.replace(settings, encoder=default.encoder) == default
    assert settings.loop.num_steps == 175_000
    assert settings.data.rows_per_batch == settings.data.row_length == 1024
    assert settings.optimizer.learning_rate == 1e-4


def test_a_variant_and_an_override_change_what_they_name():
    settings = read("8m.py:masking=sm", "--config.loop.num_steps=30000")
    assert settings.masking.policy == "sm"
    assert settings.loop.num_steps == 30_000


def test_each_kind_of_setting_is_read_from_text():
    settings = read(
        "demo.py",
        "--config.encoder.is_head_tied=true",
        "--config.masking.ssm_rate.ncrna=1",
        "--config.optimizer.learning_rate=3e-4",
        "--config.data.corpus=corpora/mine",
    )
    assert settings.encoder.is_head_tied is True
    assert settings.masking.ssm_rate.ncrna == 1.0
    assert settings.optimizer.learning_rate == 3e-4
    assert settings.data.corpus == "corpora/mine"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "--config.encoder.hight=3",
            "no setting encoder.hight .*mean encoder.width.*; encoder has",
        ),
        ("--config.hight=3", "there is no setting hight; the config has "),
        ("--config.seed.x=3", "there is no setting seed.x.*; seed has no settings"),
        ("--config.encoder=3", "encoder is a group: set one of biases"),
        ("--config.encoder.width=wide", "encoder.width='wide' is not of type int"),
        ("--config.encoder.is_head_tied=2", "is_head_tied='2' is not of type bool"),
        ("--config.encoder.width=290", "encoder.width=290 is not a multiple of 2 x"),
        ("--config.encoder.num_kv_heads=4", "num_heads=6 is not a multiple of"),
        ("--config.masking.policy=ss", "masking.policy='ss' is not one of"),
        ("--config.masking.rate=0.6", "masking.rate=0.6 is not above 0 and at most"),
        ("--config.masking.ssm_rate.other=2", "masking.ssm_rate.other=2.0 does not"),
        ("--config.masking.mlm_random_share=0.3", "add up to more than 1"),
        ("--config.optimizer.schedule=linear", "optimizer.schedule='linear' is not"),
        ("--config.optimizer.warmup_steps=175000", "is not smaller than loop.num_st"),
        ("--config.loop.micro_batches=3", "data.rows_per_batch=1024 is not a multiple"),
        ("--config.mesh.fsdp=0", "mesh.fsdp=0 is neither a number of devices nor -1"),
        ("--config.mesh.fsdp=-1", "only one axis can be the rest"),
        ("--config.data.mix.ncrna=-1", "data.mix.ncrna=-1.0 is not a number"),
        ("--config.data.until=2023-02-31", "data.until='2023-02-31' is no date"),
        ("--config.data.until=2021-13", "data.until='2021-13' is no date as"),
        ("--config.data.mix.ncrna=inf", "data.mix.ncrna=inf is not a number of at"),
        ("--config.optimizer.learning_rate=inf", "learning_rate=inf is not a number"),
        ("--config.optimizer.weight_decay=inf", "weight_decay=inf is not a number"),
        ("--config.optimizer.beta1=1", "beta1=1.0 is not at least 0 and below 1"),
        ("--config.masking.rate=0", "masking.rate=0.0 is not above 0 and at most 0.5"),
        ("--config.encoder.num_layers=0", "encoder.num_layers=0 is not greater than 0"),
        ("--config.distributed.mode=explicit", "distributed.address='' is not host"),
        ("--config.compute.remat=some", "compute.remat='some' is not one of"),
        ("--config.seed=-1", "seed=-1 does not lie in"),
        ("--steps=3", "'--steps=3' is neither a flag"),
    ],
)
def test_a_wrong_setting_is_named(override, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        read("8m.py", override)


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "--config.validation_share=1",
            "validation_share=1.0 is not at least 0 and be",
        ),
        ("--config.cluster.identity=0", "cluster.identity=0.0 is not above 0"),
    ],
)
def test_a_wrong_setting_of_a_corpus_is_named(override, message):
    path = f"{ROOT}/configs/corpus/default.py"
    with pytest.raises(ValueError, match=message):
        config.frozen(config.CorpusConfig, command.read(path, [override]))


def test_an_unknown_variant_says_what_is_accepted():
    with pytest.raises(ValueError, match="'masking=s' is not one of masking=mlm"):
        read("8m.py:masking=s")


def test_a_missing_config_file_is_named():
    with pytest.raises(FileNotFoundError, match=r"there is no file .*9m\.py"):
        read("9m.py")


def test_editable_and_frozen_are_inverse():
    settings = config.PretrainConfig()
    assert config.frozen(config.PretrainConfig, config.editable(settings)) == settings


def test_an_editable_config_refuses_new_names():
    editable = config.editable(config.PretrainConfig())
    assert isinstance(editable, ml_collections.ConfigDict)
    with pytest.raises(AttributeError):
        editable.encoder.hight = 3


def test_help_says_every_setting_and_what_it_is_for():
    found = command.settings_of(config.PretrainConfig())
    assert len(found) == sum(1 for _ in _leaves(config.PretrainConfig()))
    rate = next(one for one in found if one.name == "masking.rate")
    assert rate.default == 0.15
    assert rate.comment == "share of a record's A C G U that is hidden"


def _leaves(settings):
    for field in dataclasses.fields(settings):
        value = getattr(settings, field.name)
        if dataclasses.is_dataclass(value):
            yield from _leaves(value)
        else:
            yield field.name
