def page():
    return ''
