"""A mixture of experts in a language model: the layer, a small transformer, its training, and what its experts know."""


from .choices import permuted_choices, without_expert
from .information import conditional_information, information, repetition, shuffled_information
from .layer import FeedForward, MoELayer, Routed, moe_outputs
from .recorded import Knowledge, load_knowledge, load_language
from .runs import MODELS, excerpt_text, knowledge_text
from .speed import load_language_speed
from .training import LanguageHistory, train_language_model, training_pieces
from .transformer import LanguageModel, ParameterCount, character_losses, count_parameters

__all__ = [
    "FeedForward", "Knowledge", "LanguageHistory", "LanguageModel", "MODELS", "MoELayer", "ParameterCount", "Routed",
    "character_losses", "conditional_information", "count_parameters", "excerpt_text", "information", "knowledge_text",
    "load_knowledge", "load_language", "load_language_speed", "moe_outputs", "permuted_choices", "repetition",
    "shuffled_information", "train_language_model", "training_pieces", "without_expert",
]
