"""The nodes that ship, in palette order."""

from nodes.contract import Node
from nodes.io.flow_input import FlowInput
from nodes.io.flow_output import FlowOutput
from nodes.io.read_file import ReadFile
from nodes.logic.branch import Branch
from nodes.logic.for_each import ForEach
from nodes.logic.merge import Merge
from nodes.logic.run_flow import RunFlow
from nodes.models.ask import AskModel
from nodes.models.gguf_node import QuantizedModel
from nodes.prompts.few_shot import FewShot
from nodes.prompts.template import PromptTemplate
from nodes.text.join import JoinTexts
from nodes.text.split import SplitText

BUILTIN: tuple[type[Node], ...] = (
    FlowInput,
    FlowOutput,
    ReadFile,
    PromptTemplate,
    FewShot,
    QuantizedModel,
    AskModel,
    JoinTexts,
    SplitText,
    Branch,
    Merge,
    ForEach,
    RunFlow,
)
