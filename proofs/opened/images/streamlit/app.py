"""Asks for two numbers and shows their product, which only a script run over the WebSocket can."""

import streamlit as st

first = st.number_input("first", value=0)
second = st.number_input("second", value=0)
if st.button("Multiply"):
    st.markdown(f"The product is {first * second}.")
