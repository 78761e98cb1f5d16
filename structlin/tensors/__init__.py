"""Tensors: Tucker and tensor-train formats, functions of several variables, and regression."""

from structlin.bases import Chebyshev as Chebyshev, Fourier as Fourier
from structlin.tensors._report import Construction as Construction
from structlin.tensors.chebtucker import ChebTucker as ChebTucker
from structlin.tensors.tensor_train import TensorTrain as TensorTrain
from structlin.tensors.tucker import Tucker as Tucker
