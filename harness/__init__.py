"""The engine: knows servers, surfaces, operations and evidence; knows no gate."""
