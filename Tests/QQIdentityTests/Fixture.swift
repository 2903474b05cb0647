/// Keys and certificates made once by `openssl req -x509 -nodes`. The fingerprints are what
/// `openssl x509 -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 -binary | base64` says.
enum Fixture {
  static let fingerprint = "SHA256:4aVimXiJ8KHgCqhfrZaQe1ty2ZuciLIm49qLkRYqHJU"
  static let fingerprintHex = "e1a562997889f0a1e00aa85fad96907b5b72d99b9c88b226e3da8b91162a1c95"
  static let rsaFingerprint = "SHA256:k/5c+uGRRE1f5rWE/dmic26g/W9dx7J1DCi81XWOnKc"

  static let key = """
    -----BEGIN PRIVATE KEY-----
    MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg4xPdQiVZ/OKYyKxI
    gj0SX2tAOcwcVyKhRYaxY39ZWP+hRANCAARMU/94eUl0Vb35mT+fkF6a1vIafNV5
    ztOSUrGnWKSIMxGSGLBqJB8k7nzlxlly1zC+S35CoM/URF2ORuOPztUd
    -----END PRIVATE KEY-----

    """

  static let certificate = """
    -----BEGIN CERTIFICATE-----
    MIIBdzCCAR2gAwIBAgIUNHqg4sttIsPIyVVxoy+sAz7+makwCgYIKoZIzj0EAwIw
    EDEOMAwGA1UEAwwFYWxpY2UwIBcNMjYxMTIzMjIxNTA1WhgPMjEyNjEwMzAyMjE1
    MDVaMBAxDjAMBgNVBAMMBWFsaWNlMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE
    TFP/eHlJdFW9+Zk/n5BemtbyGnzVec7TklKxp1ikiDMRkhiwaiQfJO585cZZctcw
    vkt+QqDP1ERdjkbjj87VHaNTMFEwHQYDVR0OBBYEFCA6HmW2fVfoqE+JE7ojPQjH
    yGs2MB8GA1UdIwQYMBaAFCA6HmW2fVfoqE+JE7ojPQjHyGs2MA8GA1UdEwEB/wQF
    MAMBAf8wCgYIKoZIzj0EAwIDSAAwRQIhAPwMke0uBOqzDMOVOftAu4+iNTVI+o34
    vN0VQEvodRoRAiA0oAmF9t+EaG0J9YXmbNH/PIe6qDK8OWfMy254z0im5g==
    -----END CERTIFICATE-----

    """

  static let encryptedKey = """
    -----BEGIN ENCRYPTED PRIVATE KEY-----
    MIHsMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhxD+m9N8mK3wICCAAw
    DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMkkcgrdYNX4PLTsoiaYdo0EgZD8
    sqCkomzUFBGu0xN91AWNfuW12dOd5XiZvtcyLBCya8CuxHF13uppMjSczD82+4qX
    n87pGIxlOOu4NbE4LRl2MeWmlDyEt2/O5RpgOBFAwRBk3gjCIL63ymRAfFTajHuf
    rqAe8+4aEazkXtfArNDCulhafNsGF3bnnc2eu1JoQL8hEJHnN/slkPSjXnPgtyo=
    -----END ENCRYPTED PRIVATE KEY-----

    """

  static let rsaKey = """
    -----BEGIN PRIVATE KEY-----
    MIIEvgIBADANBgkqhkiG9w0BAQEFAASCBKgwggSkAgEAAoIBAQCWZcsPifjDm2+P
    uVhMtM2Cf9gKv6wImQkJGMuS6JuJz9kd4hJQSyIrNT0561FCVGCMiBIGYjwPTnXb
    HEWu66r06IUHlkut9PletJsw/n2Qa4Yap4aRShmBo/vrXpoJBN0fE8gP15WgFKiy
    0AoJle6SxdKx4z9v24bAjUdCQ6jUvrjr9jDAfPziNC4UVpXIXcKJMvDiH5eRtIcc
    Fc0PUwn46iuSFQy2NSjMSB8Zief3ck/8vszkm8s2JtDXn0iuW1bTL4FFksiWyxu2
    UhPy4vAfQRNoBFa4H17FfAVc4G3x3SSwRok5gVLfMNxbPn8RyDMBoAIwoPuBdTkQ
    ubePhQnbAgMBAAECggEAHhOJQjhDSUriSom0QNK/bmOGns+p5aZFCk6tF1nxEORB
    9Rnqs6fy01U4Q0bt3yfkjvX/NMucWytDomfK/6odbBC72cKSq90bqXbQukGKdsEp
    9laeMJvy8dwLWwx2HWudlMNt9M0WHQdEnU3BVB1psmxhMDXTz9jE3+jg4T2Km9Ch
    yw2ppow6PSb0A4Q6q9iNNjFnXvZc0gUh3hIp66Wna0gqfzEiMRKqzVBdmyA9eKTl
    PqJmjVoTOggM3IvlkKTCQ3l3/mINclxAWfCMIyO6lhXuYLM5ZyA52mnBXY+SP7dn
    TEDMvAQ5Q5EqPLoydVsp4CFrHo2Ki9ZhRyfT8bpRMQKBgQDFlMHONHcHrq9FZL/6
    tZQQtva9xo3nFDVPon61e3KLlECSIQj5zn6R/ZVIpHSs/Yna86UiDm2+yUx7QEFC
    CdYqurVPgpRn+0V0GHm39Qe0JRSu1D5btneDv2055nSbtlhGSCkv8qeiwyLmrgbm
    lNVlaQegMiMKeNfx0TBCd0QADwKBgQDC3aRBpjMuU/W1gApG2HA2b57PmWf4mUYa
    suZHefIDeRonL5RjLo/0hv1RmoLgj14gWXdTGVx8nvMftR7um0FV+ErHTz1u78sj
    r8xJUvvmHRafwAEB4BDsl0Yn3gGQsYtffNtYysH9JugRxGn3vWo0PIfBWt7NzuVL
    W/SYG0vNdQKBgQCcSxosBfCKkTJwkEwVBIIF3tW8NU6XFrM9NWtKIEbyBuo1LhCt
    mx0gWxo2BnGNTlo4azebgxJpM09ex+tXU/SohF1ccgz3XBsKxTmzvQ7E//gmfBp/
    7g0ImOrMPHLNoiaeIgMCvM7Cv93h4JPw3pcXy0eO/1octI8N6M5mJXYTHQKBgCLS
    Nmrgxx6NNEgFpFB6lrqzgX55XEHpKcTVmR7GpL+IIWtFLk/23xSEFrpBUQfNtrUz
    J4Z67rL6OFm/JNLgfXFeWAZ7m2+6e+NZo7iqkobRRdywE74BCyUr9wZivobboxsi
    FZQtTzLsg+XA4mq5t0O0WVHs6gl+4ixwNyoDHq2NAoGBAJLc+hPWXHLaS+poCfe9
    Tx+vo3CmsJgmQbb8mFwJU9pSMQBLj/snXjx71ZiP6O4BZ/x8fs9coozddExZqe7Q
    Wt0v1zlmIeMoZHBGxMKjBLvjGzOXTs9u9B0ULmpwYwQfMO9bTU3NlhsRVl0bAQgX
    +ka3LXziS7oouu6nFLtZckZF
    -----END PRIVATE KEY-----

    """

  static let rsaCertificate = """
    -----BEGIN CERTIFICATE-----
    MIIDFzCCAf+gAwIBAgIUGvF+qZ9T6u7+sOe4F7WkFSLNQ3EwDQYJKoZIhvcNAQEL
    BQAwGjEYMBYGA1UEAwwPaHViLmV4YW1wbGUub3JnMCAXDTI2MTEyMzIyMTUwNVoY
    DzIxMjYxMDMwMjIxNTA1WjAaMRgwFgYDVQQDDA9odWIuZXhhbXBsZS5vcmcwggEi
    MA0GCSqGSIb3DQEBAQUAA4IBDwAwggEKAoIBAQCWZcsPifjDm2+PuVhMtM2Cf9gK
    v6wImQkJGMuS6JuJz9kd4hJQSyIrNT0561FCVGCMiBIGYjwPTnXbHEWu66r06IUH
    lkut9PletJsw/n2Qa4Yap4aRShmBo/vrXpoJBN0fE8gP15WgFKiy0AoJle6SxdKx
    4z9v24bAjUdCQ6jUvrjr9jDAfPziNC4UVpXIXcKJMvDiH5eRtIccFc0PUwn46iuS
    FQy2NSjMSB8Zief3ck/8vszkm8s2JtDXn0iuW1bTL4FFksiWyxu2UhPy4vAfQRNo
    BFa4H17FfAVc4G3x3SSwRok5gVLfMNxbPn8RyDMBoAIwoPuBdTkQubePhQnbAgMB
    AAGjUzBRMB0GA1UdDgQWBBS7Qgg5etikRtOQFLP/nt6OO5dJHTAfBgNVHSMEGDAW
    gBS7Qgg5etikRtOQFLP/nt6OO5dJHTAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3
    DQEBCwUAA4IBAQB6a+nC0Fq4rPyek+Akl8LGy3vT3hZ83ohbvceOOjOWMKHPtr+z
    sraVPilTk/ImoimYOkiOqH+jO2WptTXewXIAL1ohtnyCB1OBqxN3RhglBF0BCsiM
    h+x6Ds5p8Kk5SsrjvnDCt0XTYvDDKRR/Ll+rueKu9Vb7C+7s6/AByJzNIOO+cFYt
    /QwTdrjSpuczGBt0e0WF9hQVncQ44Z0lT3OxPHIbUBil07v48jovsu+U/qY12NXs
    Q9gdI27nC8oi4Hk7jGfuNw2UL0i3RJ39iZ7Be0CpxWXFwbmk4KkLkRmFOnMSsMHO
    Rlh8HhxIGmrluZT//vcOUnY/yYVXXnJDuS26
    -----END CERTIFICATE-----

    """

}
