"""Language models: LangChain chat models behind `domain.model.Model`, with all guards around them.

`opening.assembled` puts the wrappers together, outermost first: Shaped (what does not fit is an error), Veiled (nothing
secret leaves), Kept (recorded or replayed), Fallbacks, and for each model Retried, Paced, Metered, and the provider.
"""
